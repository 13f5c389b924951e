"""Many faults at once: one remediation goes first, the rest are attached to it and told so."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import empty_database
from tests.integration.intake.conftest import Hub
from tests.integration.intake.vendor import Vendor

from firstline.guard.settings import Often
from firstline.intake.declared import Declared
from firstline.remediation.attach import STORM
from firstline.store import Database
from firstline.store.table import DECISION, LINK, REMEDIATION, WRITE_BACK

pytestmark = pytest.mark.anyio

RUNBOOK = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
targets: [shop]
change: {change}
steps:
  - {{name: mend, run: ["true"]}}
"""
MAPPING = """
mappings:
  - {id: mend, on: [incident.opened, incident.updated], when: "true", runbook: mend, mode: approve}
"""
NORMAL = "{type: normal}"
THREE = Often.model_validate({"count": 3, "within": "5m"})

Open = Callable[..., "Storm"]


class Storm:
    """A hub with one mapping, and a vendor that opens tickets."""

    def __init__(self, hub: Hub, vendor: Vendor) -> None:
        self.hub, self.vendor = hub, vendor

    async def opened(self, *ids: str) -> None:
        self.vendor.open(*ids)
        await self.hub.poll()

    def rows(self, table: Any) -> list[Any]:
        query = table.select().order_by(table.c.id)
        return list(self.hub.database.read_now(lambda connection: connection.execute(query).mappings().all()))

    def began(self) -> list[str]:
        return [row["incident"]["reference"]["id"] for row in self.rows(REMEDIATION)]

    def do(self, statement: sa.Executable) -> None:
        self.hub.database.write_now(lambda connection: connection.execute(statement))


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, but where a test asks for each kind."""
    return empty_database(request, tmp_path) if hasattr(request, "param") else f"sqlite:///{tmp_path}/firstline.db"


@pytest.fixture
def storm(tmp_path: Path, database: Database) -> Iterator[Open]:
    hubs = []

    def made(limit: Often | None = THREE, change: str = NORMAL) -> Storm:
        runbook = tmp_path / "mappings" / "shop" / "runbooks" / "mend"
        runbook.mkdir(parents=True)
        (runbook / "runbook.yaml").write_text(RUNBOOK.format(change=change))
        (runbook.parent.parent / "mapping.yaml").write_text(MAPPING)
        vendor = Vendor()
        vendor.now = datetime.now(UTC)
        declared = Declared(tmp_path / "mappings", tmp_path / "state").start()
        hubs.append(Hub(database, vendor, declarations=declared, storm=limit, since=vendor.now))
        return Storm(hubs[-1], vendor)

    yield made
    for hub in hubs:
        hub.die()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
async def test_of_many_at_once_only_so_many_begin_and_the_rest_are_attached_to_the_first(storm: Open) -> None:
    night = storm()
    await night.opened("a", "b", "c", "d", "e")
    assert night.began() == ["a", "b", "c"]
    first = night.rows(REMEDIATION)[0]["id"]
    attached = [(link["record"], link["remediation_id"], link["why"]) for link in night.rows(LINK)]
    assert attached == [("ticket:d", first, STORM), ("ticket:e", first, STORM)]
    reasons = [row["reason"] for row in night.rows(DECISION) if row["outcome"] == "attached"]
    assert reasons == ["one of a storm: 3 or more of the mapping shop/mend began within 5 min"] * 2
    told = [row for row in night.rows(WRITE_BACK) if row["reference"]["id"] == "d"]
    assert [row["body"]["headline"] for row in told] == [
        "Firstline runs nothing here: many came at once, and one of them goes first"
    ]


async def test_what_comes_later_in_the_storm_joins_it_and_is_told_once(storm: Open) -> None:
    night = storm()
    await night.opened("a", "b", "c")
    await night.opened("d")
    night.vendor.tickets["d"].version += 1
    night.vendor.tickets["d"].changed = night.vendor.now
    await night.hub.poll()
    assert night.began() == ["a", "b", "c"]
    assert len(night.rows(LINK)) == 1
    assert len([row for row in night.rows(WRITE_BACK) if row["reference"]["id"] == "d"]) == 1


async def test_when_the_first_has_ended_the_next_goes_first_and_after_all_one_begins(storm: Open) -> None:
    night = storm()
    await night.opened("a", "b", "c")
    ids = [row["id"] for row in night.rows(REMEDIATION)]
    ended = {"ended_at": datetime.now(UTC), "active_key": None, "stage": "ended"}
    night.do(sa.update(REMEDIATION).where(REMEDIATION.c.id == ids[0]).values(**ended))
    await night.opened("d")
    assert [link["remediation_id"] for link in night.rows(LINK)] == [ids[1]]
    night.do(sa.update(REMEDIATION).values(**ended))
    await night.opened("e")
    assert night.began() == ["a", "b", "c", "e"]


async def test_after_the_storm_a_record_that_joined_it_may_begin_what_mends_it(storm: Open) -> None:
    night = storm()
    await night.opened("a", "b", "c", "d")
    night.do(sa.update(REMEDIATION).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    night.vendor.tickets["d"].version += 1
    night.vendor.tickets["d"].changed = night.vendor.now
    await night.hub.poll()
    assert night.began()[-1] == "d"


@pytest.mark.parametrize(("limit", "change"), [(None, NORMAL), (THREE, "none")], ids=["not asked for", "it only reads"])
async def test_where_no_storm_is_looked_for_each_begins(storm: Open, limit: Often | None, change: str) -> None:
    night = storm(limit, change)
    await night.opened("a", "b", "c", "d", "e")
    assert len(night.began()) == 5
