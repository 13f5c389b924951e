"""A storm of ten thousand writes on a connection that allows few requests makes few writes, and loses none."""

from collections import Counter

import pytest
from tests.integration.outbox.conftest import Outbox, Vendor, noted, stated

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("database_url", "records", "waves"), [("sqlite", 200, 25), ("postgresql", 40, 25)], indirect=["database_url"]
)
async def test_a_storm_of_writes_makes_few_notes_and_loses_none(
    outbox: Outbox, vendor: Vendor, records: int, waves: int
) -> None:
    vendor.limit = 500
    for wave in range(waves):
        written = [
            (
                noted(f"m{wave:02d}-{number}", number=number),
                stated(f"m{wave:02d}-{number}", _state(wave, waves), number),
            )
            for number in range(records)
        ]
        outbox.put(*(row for pair in written for row in pair))
    while outbox.rows(state="pending"):
        await outbox.send()
        outbox.clock.forward(600)
    notes, states = vendor.of("note"), vendor.of("state")
    assert Counter(note["record"] for note in notes) == {f"R{n}": 1 for n in range(records)}
    assert {state["record"]: state["to"] for state in states} == {f"R{n}": "resolved" for n in range(records)}
    assert len(states) == records
    assert max(vendor.hours.values()) <= 500
    assert vendor.refused == 0
    for note in notes:
        number = note["record"][1:]
        assert note["headline"] == f"outcome of m{waves - 1:02d}-{number}"
        assert all(f"outcome of m{wave:02d}-{number}\n" in note["body"] for wave in range(waves - 21, waves - 1))
        assert f"and {waves - 21} more: https://hub/remediations" in note["body"]
    done = {row["id"] for row in outbox.rows(state="done")}
    folded = outbox.rows(state="folded")
    assert len(done) + len(folded) == records * waves * 2
    assert {row["folded_into"] for row in folded} <= done


def _state(wave: int, waves: int) -> str:
    return "resolved" if wave == waves - 1 else ("acknowledged", "resolved", "reopened")[wave % 3]
