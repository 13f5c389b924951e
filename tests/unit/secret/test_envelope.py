import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.errors import Rejected
from firstline.secret.store.envelope import Envelope, key, new_key, rewrap, seal, unseal

OURS, OTHER = key(new_key()), key(new_key())
AT = "2026-11-23T06:40:00+00:00"


def sealed(name: str = "db", version: int = 3, value: str = "correct-horse") -> Envelope:
    return seal(OURS, name, version, AT, value)


@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens(value: str) -> None:
    assert unseal(OURS, "db", seal(OURS, "db", 1, AT, value)) == value


def test_the_same_value_is_sealed_otherwise_each_time() -> None:
    one, two = sealed(), sealed()
    assert one.wrapped != two.wrapped
    assert one.sealed != two.sealed


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("other", {}),
        ("db", {"version": 2}),
        ("db", {"sealed": sealed(value="another-value").sealed}),
        ("db", {"wrapped": sealed().wrapped}),
        ("db", {"sealed": "AAAA"}),
        ("db", {"sealed": "no base64"}),
        ("db", {"wrapped": ""}),
    ],
)
def test_what_was_changed_or_is_anothers_does_not_open(name: str, changes: dict[str, object]) -> None:
    with pytest.raises(Rejected, match="does not open") as caught:
        unseal(OURS, name, sealed().model_copy(update=changes))
    assert "correct-horse" not in str(caught.value)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(Rejected, match="does not open"):
        unseal(OTHER, "db", sealed())


def test_what_is_wrapped_anew_opens_with_the_new_key_alone() -> None:
    fresh = rewrap(OURS, OTHER, "db", sealed())
    assert fresh.key == OTHER.id
    assert unseal(OTHER, "db", fresh) == "correct-horse"
    with pytest.raises(Rejected, match="does not open"):
        unseal(OURS, "db", fresh)


@pytest.mark.parametrize("text", ["", "short", "A" * 44, "A" * 40, "not base64 at all!"])
def test_what_is_no_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Rejected, match="is no key") as caught:
        key(text)
    assert not text or text not in str(caught.value)


def test_a_keys_name_tells_nothing_of_it() -> None:
    text = new_key()
    assert key(text).id == key(f" {text}\n").id
    assert key(text).id not in text
    assert text not in repr(key(text))
