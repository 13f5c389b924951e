"""What is hashed of a row: its canonical form, however fast it is made."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from firstline.declaration import canonical
from firstline.ledger.facet import form

values = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e20, 1e20), st.text())


@given(st.fixed_dictionaries(dict.fromkeys(("scope", "by", "reason", "at"), values)))
def test_a_row_is_hashed_in_its_canonical_form(row: dict[str, Any]) -> None:
    plain = {name: value.replace("\x00", "␀") if isinstance(value, str) else value for name, value in row.items()}
    assert form("switch", row) == canonical(plain)


def test_half_a_character_is_hashed_as_every_database_gives_it_back() -> None:
    row = {"scope": "all", "by": "ann", "reason": "\ud800", "at": 1}
    assert form("switch", row) == form("switch", {**row, "reason": "?"})
