"""Whatever is done to a change, in whichever order: it never gets to work without what it needs, and nothing that is
refused leaves a trace."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.register.conftest import END, START, normal, standard, told

from firstline.change.lifecycle import ENDED, PATHS
from firstline.connector import Approval, ChangeType, Evidence
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.ledger.facet import bind
from firstline.register import OwnRegister, change
from firstline.store import Database
from firstline.store.table import CHANGE, LEDGER

ACTS = ("request", "approve", "refuse", "reschedule", "bare close", *PATHS["normal"], "canceled")
WORK = {"scheduled", "implement", "review", "closed"}
KEYS = count()


async def act(register: OwnRegister, reference: Reference, what: str) -> None:
    done = Evidence(notes="It answers again.", result="successful")
    match what:
        case "request":
            await register.request(reference, Evidence())
        case "approve" | "refuse":
            state = "approved" if what == "approve" else "refused"
            await register.decided(reference, Approval.model_validate({"state": state, "by": ("ann",)}))
        case "reschedule":
            await register.reschedule(reference, START, END + timedelta(hours=1), "cleo")
        case "bare close":
            await register.move(reference, "closed", Evidence())
        case state:
            await register.move(reference, state, done)  # type: ignore[arg-type]


def stored(database: Database, reference: Reference) -> tuple[dict[str, object], int]:
    """The change as it is stored, and how many entries the ledger has."""

    def look(connection: sa.Connection) -> tuple[dict[str, object], int]:
        row = change.read(connection, change.counted(reference.id))
        return dict(row), connection.execute(sa.select(sa.func.count()).select_from(LEDGER)).scalar_one()

    return database.read_now(look)


async def walk(database: Database, register: OwnRegister, type_: ChangeType, acts: list[str]) -> None:
    key = f"key-{next(KEYS)}"
    reference = await register.open(standard(key) if type_ == "standard" else normal(key, type=type_))
    for what in acts:
        before, entries = stored(database, reference)
        try:
            await act(register, reference, what)
        except Rejected:
            assert stored(database, reference) == (before, entries)
            continue
        after, now = stored(database, reference)
        assert now == entries + (after != before)
        assert type_ == "standard" or after["approval"] == "approved" or after["state"] not in WORK
        assert (after["state"] == "closed") == bool(after["result"]) or after["state"] == "canceled"
        assert before["state"] not in ENDED or after["state"] == before["state"]
        assert before["approval"] not in ("approved", "refused") or after["approval"] == before["approval"]


@pytest.mark.parametrize("type_", ["standard", "normal", "emergency"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(ACTS), min_size=1, max_size=8))
def test_no_order_of_acts_brings_a_change_to_work_without_what_it_needs(
    database: Database, register: OwnRegister, type_: ChangeType, acts: list[str]
) -> None:
    asyncio.run(walk(database, register, type_, acts))
    number = database.read_now(lambda c: c.execute(sa.select(sa.func.max(CHANGE.c.number))).scalar_one())
    rows = database.read_now(lambda connection: bind(connection, "change", number))
    assert told(database, change.name(number))[-1]["rows"] == rows
