"""Blackout and maintenance schedules of a stand-in instance, and the conflicts that its detector found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from connectors.servicenow.tests.stage import CI

from firstline.connector import ChangeDraft
from firstline.errors import Rejected

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 12, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FREEZE, PATCHES = "b" * 32, "e" * 32
CHRISTMAS = {
    "schedule": FREEZE,
    "name": "Christmas",
    "start_date_time": "20261224T000000",
    "end_date_time": "20261226T235959",
    "all_day": "true",
}
SUNDAYS = {
    "schedule": PATCHES,
    "name": "Sundays",
    "start_date_time": "20261101T020000",
    "end_date_time": "20261101T040000",
    "repeat_type": "weekly",
}


def freeze(**more: str) -> dict[str, Any]:
    return {
        "cmn_schedule_blackout": [{"sys_id": FREEZE, "name": "Year's end", **more}],
        "cmn_schedule_span": [CHRISTMAS],
    }


def patches(**more: str) -> dict[str, Any]:
    return {
        "cmn_schedule_maintenance": [{"sys_id": PATCHES, "name": "Patch Sunday", **more}],
        "cmn_schedule_span": [SUNDAYS],
    }


async def test_a_freeze_for_all_is_told_of_with_its_end(connect: Any, start: Any) -> None:
    (told,) = await connect(start(**freeze())).blackouts(NOON, NOON + HOUR)
    assert (told.kind, told.name, told.items) == ("blackout", "Year's end", ())
    assert (told.start, told.end) == (NOON - 12 * HOUR, datetime(2026, 12, 27, tzinfo=UTC))
    assert FREEZE in told.url


async def test_a_time_without_any_costs_three_requests_and_tells_of_none(connect: Any, start: Any) -> None:
    connector = connect(start(**freeze()))
    assert await connector.blackouts(NOON - 48 * HOUR, NOON - 47 * HOUR) == []
    assert connector.meter.take()[0] == 3


async def test_a_schedule_with_a_condition_is_for_the_items_that_fit(connect: Any, start: Any) -> None:
    address = start(**freeze(applies_to="cmdb_ci", condition="nameSTARTSWITHsh^EQ"))
    (told,) = await connect(address).blackouts(NOON, NOON + HOUR)
    assert told.items == ("shop", CI)


async def test_a_condition_that_nothing_fits_covers_nothing_and_not_all(connect: Any, start: Any) -> None:
    address = start(**freeze(applies_to="cmdb_ci", condition="name=nothing"))
    assert await connect(address).blackouts(NOON, NOON + HOUR) == []


async def test_items_that_cant_all_be_seen_are_taken_for_all(connect: Any, start: Any) -> None:
    hidden = {"rules": {"hidden": {"cmdb_ci": "name=shop"}}}
    address = start(**freeze(applies_to="cmdb_ci", condition="name=shop"), **hidden)
    (told,) = await connect(address).blackouts(NOON, NOON + HOUR)
    assert told.items == ()


async def test_a_maintenance_window_is_told_of_and_a_time_without_one_is_closed(connect: Any, start: Any) -> None:
    connector = connect(start(**patches(applies_to="cmdb_ci", condition="name=shop")))
    sunday = datetime(2026, 12, 27, 3, tzinfo=UTC)
    (window,) = await connector.blackouts(sunday, sunday + HOUR)
    assert (window.kind, window.start, window.end) == ("maintenance", sunday - HOUR, sunday + HOUR)
    (closed,) = await connector.blackouts(NOON, NOON + HOUR)
    assert (closed.kind, closed.name, closed.items) == ("blackout", "outside Patch Sunday", ("shop", CI))
    assert (closed.start, closed.end) == (NOON, NOON + HOUR)


@pytest.mark.parametrize("told", [freeze, patches])
async def test_a_schedule_that_cant_be_computed_closes_its_own_items_and_takes_no_other_along(
    connect: Any, start: Any, told: Any
) -> None:
    odd = told(applies_to="cmdb_ci", condition="name=shop")
    odd["cmn_schedule_span"] = [{**odd["cmn_schedule_span"][0], "repeat_type": "when the moon is full"}]
    well = {"sys_id": "a" * 32, "name": "Audit"}
    odd["cmn_schedule_blackout"] = [*odd.get("cmn_schedule_blackout", []), well]
    odd["cmn_schedule_span"].append({**CHRISTMAS, "schedule": "a" * 32})
    found = {window.name: window for window in await connect(start(**odd)).blackouts(NOON, NOON + HOUR)}
    audit = found.pop("Audit")
    ((name, closed),) = found.items()
    assert "its repetition (when the moon is full) can't be computed" in name
    assert (closed.kind, closed.items, closed.start, closed.end) == ("blackout", ("shop", CI), NOON, NOON + HOUR)
    assert audit.items == ()


@pytest.mark.parametrize("table", ["cmn_schedule_blackout", "cmn_schedule_span"])
async def test_a_freeze_that_cant_be_read_is_not_taken_for_none(connect: Any, start: Any, table: str) -> None:
    address = start(**freeze(), rules={"hidden": {table: ""}})
    with pytest.raises(Rejected, match=f"1 rows of {table} can't be read.*collision_detector"):
        await connect(address).blackouts(NOON, NOON + HOUR)
    assert await connect(address, collision_detector=False).blackouts(NOON, NOON + HOUR) == []


async def test_what_the_instances_own_detector_found_is_a_conflict_once(connect: Any, start: Any, person: Any) -> None:
    connector = connect(start(**freeze()))
    mine, other = [await connector.open(restart(key)) for key in ("mine", "other")]
    for found in (
        {"type": "blackout", "schedule": FREEZE, "configuration_item": CI},
        {"type": "ci_already_scheduled", "conflicting_change": other.id},
    ):
        await person.post("/api/now/table/conflict", json={"change": mine.id, **found})
    blackout, overlap = await connector.conflicts(mine)
    assert (blackout.kind, "Year's end, shop" in blackout.what) == ("blackout", True)
    assert (overlap.kind, other.number in overlap.what) == ("ci_already_scheduled", True)
    await person.patch(f"/api/sn_chg_rest/change/{other.id}", json={"state": "-2"})
    assert [conflict.kind for conflict in await connector.conflicts(mine)] == ["change", "blackout"]


def restart(key: str) -> ChangeDraft:
    return ChangeDraft(
        key=key,
        type="standard",
        template="Restart web process",
        short_description=key,
        ci=CI,
        planned_start=NOON,
        planned_end=NOON + HOUR,
        tried=False,
    )
