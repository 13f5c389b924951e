"""Firstline's own register on each database: numbers without gaps, and a life from its opening to its end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.register.conftest import END, START, normal, standard, told

from firstline.connector import Approval, Evidence
from firstline.ledger.facet import bind
from firstline.register import OwnRegister, change
from firstline.store import Database
from firstline.store.table import CHANGE


def test_numbers_have_no_gap_whoever_races_and_whatever_fails(
    database: Database, open_database: Callable[[], Database]
) -> None:
    """Two processes open changes at once, some with a key that another opens too, and some transactions fail."""

    def open_one(n: int) -> int | None:
        def act(connection: sa.Connection) -> int:
            number = change.open_(connection, standard(f"key-{n // 2}"))
            if n % 5 == 0:
                raise InterruptedError
            return number

        try:
            return (database, other)[n % 2].write_now(act)
        except InterruptedError:
            return None

    other = open_database()
    with ThreadPoolExecutor(6) as threads:
        given = {number for number in threads.map(open_one, range(40)) if number is not None}
    kept = database.read_now(lambda connection: connection.execute(sa.select(CHANGE.c.number)).scalars().all())
    assert sorted(kept) == list(range(1, 21))
    assert given == set(kept)


@pytest.mark.anyio
async def test_each_act_is_in_the_ledger_and_binds_the_change_as_it_then_is(database: Database) -> None:
    register, begins = OwnRegister(database), Evidence(notes="Firstline begins.")
    opened = await register.open(normal())
    await register.request(opened, begins)
    await register.decided(opened, Approval(state="approved", by=("ann",)))
    await register.reschedule(opened, START, END + timedelta(hours=1), "cleo")
    assert await register.conflicts(opened) == []
    await register.move(opened, "implement", begins)
    await register.move(opened, "closed", Evidence(notes="It answers.", result="successful", work_start=START))
    entries = told(database)
    assert [(one["act"], one["by"]) for one in entries] == [
        ("opened", "firstline"),
        ("asked", "firstline"),
        ("approved", "ann"),
        ("rescheduled", "cleo"),
        ("moved", "firstline"),
        ("moved", "firstline"),
    ]
    assert entries[-1]["rows"] == database.read_now(lambda connection: bind(connection, "change", 1))
    assert entries[-1]["text"] == "Moved through review to closed, successful"
