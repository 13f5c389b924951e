from datetime import UTC, datetime, timedelta

import pytest

from firstline.errors import Unauthorized
from firstline.remediation.notification.link import Link, opened, signed
from firstline.seal import Seal

NOW = datetime(2026, 11, 23, 6, 40, tzinfo=UTC)
LINK = Link("0193", "d" * 64, "Ann o'Hara.x@example.com", NOW + timedelta(hours=1))


def test_a_link_is_read_as_it_was_made() -> None:
    seal = Seal()
    assert opened(seal, signed(seal, LINK), NOW) == LINK


def test_a_link_that_was_altered_or_is_another_hubs_is_refused() -> None:
    seal = Seal()
    text = signed(seal, LINK)
    for changed in (
        text.replace("Ann", "Bob"),
        text.replace("0193", "0194"),
        text[:-1],
        "",
        "a.b.c.d.e",
        signed(Seal(), LINK),
    ):
        with pytest.raises(Unauthorized, match="not of this hub"):
            opened(seal, changed, NOW)


def test_a_link_that_has_expired_is_refused() -> None:
    seal = Seal()
    with pytest.raises(Unauthorized, match="expired at 2026-11-23 07:40"):
        opened(seal, signed(seal, LINK), NOW + timedelta(hours=1))
