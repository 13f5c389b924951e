"""What other registers say of times, kept."""

from datetime import datetime

import pytest
import sqlalchemy as sa
from tests.integration.register.conftest import START

from firstline.connector import Blackout
from firstline.errors import Unavailable
from firstline.governor import Governor
from firstline.register import OwnRegister
from firstline.register.blackout import AHEAD, refresh
from firstline.store import Database
from firstline.store.table import BLACKOUT

pytestmark = pytest.mark.anyio


class Vendor(OwnRegister):
    """A register that has windows, or a trouble."""

    windows: tuple[str, ...] = ()
    trouble: Exception | None = None

    async def blackouts(self, since: datetime, until: datetime) -> list[Blackout]:
        if self.trouble:
            raise self.trouble
        self.asked = (since, until)
        return [Blackout(kind="blackout", name=name, start=since, end=until) for name in self.windows]


def kept(database: Database) -> list[tuple[str, str]]:
    query = sa.select(BLACKOUT.c.connection, BLACKOUT.c.blackout)
    rows = database.read_now(lambda connection: connection.execute(query).all())
    return sorted((connection, blackout["name"]) for connection, blackout in rows)


@pytest.fixture
def vendor(database: Database) -> Vendor:
    made = Vendor(database)
    made.windows = ("Black Friday", "Year end")
    return made


@pytest.fixture
def governor(database: Database) -> Governor:
    return Governor(database, {}, {}, clock=lambda: START)


async def test_the_windows_of_two_weeks_are_kept_in_place_of_the_last_ones(
    database: Database, vendor: Vendor, governor: Governor
) -> None:
    await refresh(database, {"servicenow": vendor}, governor)
    assert vendor.asked == (START, START + AHEAD)
    assert kept(database) == [("servicenow", "Black Friday"), ("servicenow", "Year end")]
    vendor.windows = ("Year end",)
    await refresh(database, {"servicenow": vendor}, governor)
    assert kept(database) == [("servicenow", "Year end")]
    row = database.read_now(lambda connection: connection.execute(sa.select(BLACKOUT)).mappings().one())
    assert (row["start"], row["end"], row["seen_at"]) == (START, START + AHEAD, START)


@pytest.mark.parametrize("trouble", [Unavailable("down"), KeyError("start")], ids=["down", "defect"])
async def test_a_register_that_does_not_answer_leaves_its_last_windows_and_holds_up_no_other(
    database: Database, vendor: Vendor, governor: Governor, trouble: Exception
) -> None:
    await refresh(database, {"servicenow": vendor}, governor)
    vendor.trouble, other = trouble, Vendor(database)
    other.windows = ("Stocktaking",)
    await refresh(database, {"servicenow": vendor, "jira": other}, governor)
    assert kept(database) == [("jira", "Stocktaking"), ("servicenow", "Black Friday"), ("servicenow", "Year end")]


async def test_a_register_that_is_no_longer_there_holds_nothing(
    database: Database, vendor: Vendor, governor: Governor
) -> None:
    await refresh(database, {"servicenow": vendor}, governor)
    await refresh(database, {}, governor)
    assert kept(database) == []
