"""A change of the calendars has what a window held look again at once; what else holds goes on waiting."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import DAY, World

from firstline.guard import Hold
from firstline.guard.hold import GuardName
from firstline.hub import Hub
from firstline.remediation.hold.held import wake_held
from firstline.settings import Settings
from firstline.store.table import REMEDIATION, now

FREEZE = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:one\nDTSTART:20261123\nDTEND:20261124\nEND:VEVENT\nEND:VCALENDAR\n"


def held(world: World, guard: GuardName, **more: Any) -> str:
    """A remediation that waits a day for this guard."""
    case = world.case()
    values = {"holds": [Hold(guard=guard, why="so").model_dump(mode="json")], "wake_at": now() + DAY, **more}
    world.do(sa.update(REMEDIATION).where(REMEDIATION.c.id == case.id).values(**values))
    return case.id


def due(world: World) -> set[str]:
    query = sa.select(REMEDIATION.c.id).where(REMEDIATION.c.wake_at <= now())
    return set(world.database.read_now(lambda connection: connection.execute(query)).scalars())


@pytest.mark.parametrize("guard", ["freeze", "maintenance"])
def test_what_a_window_held_looks_again_when_windows_have_changed(small: World, guard: GuardName) -> None:
    mine = held(small, guard)
    assert mine not in due(small)
    small.database.write_now(lambda connection: wake_held(connection, "freeze", "maintenance"))
    assert mine in due(small)


def test_what_another_guard_holds_or_somebody_is_at_goes_on_as_it_was(small: World) -> None:
    others = {held(small, "lock"), held(small, "freeze", owner="a hub")}
    small.database.write_now(lambda connection: wake_held(connection, "freeze", "maintenance"))
    assert not others & due(small)


@pytest.fixture
async def hub(empty: Path, tmp_path: Path) -> AsyncIterator[Hub]:
    """One that was not started: only what the test calls happens."""
    for folder in ("mappings", "calendars", "state"):
        (tmp_path / folder).mkdir(exist_ok=True)
    shutil.copyfile(empty, tmp_path / "state" / "firstline.db")
    hub = Hub(Settings(folder=tmp_path))
    await hub.look_at_calendars()
    yield hub
    await hub.close()


@pytest.mark.anyio
async def test_the_hubs_look_at_its_calendars_wakes_only_when_they_have_changed(hub: Hub) -> None:
    world = World(hub.database)
    mine = held(world, "freeze")
    await hub.look_at_calendars()
    assert mine not in due(world)
    (hub.settings.calendars / "freeze.ics").write_text(FREEZE)
    await hub.look_at_calendars()
    assert mine in due(world)
