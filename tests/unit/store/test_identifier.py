import time
import uuid

from firstline.store import new_id


def test_identifiers_grow_within_one_millisecond() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_identifier_is_a_uuid_of_version_7_that_holds_the_time() -> None:
    found = uuid.UUID(new_id())
    assert found.version == 7
    assert found.variant == uuid.RFC_4122
    assert abs((found.int >> 80) - time.time() * 1000) < 60_000
