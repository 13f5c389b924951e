"""A change of the calendars has what a window held look again at once; what else holds goes on waiting."""

from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import DAY, World

from firstline.guard import Hold
from firstline.guard.hold import GuardName
from firstline.remediation.calendar import wake_held
from firstline.store.table import REMEDIATION, now


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
    small.database.write_now(wake_held)
    assert mine in due(small)


def test_what_another_guard_holds_or_somebody_is_at_goes_on_as_it_was(small: World) -> None:
    others = {held(small, "lock"), held(small, "freeze", owner="a hub")}
    small.database.write_now(wake_held)
    assert not others & due(small)
