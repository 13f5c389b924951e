"""A kill switch between two steps, and processes that die between two stages."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.course.folder import NORMAL, STANDARD
from tests.integration.course.stage import Make, Stage

from firstline.errors import Rejected
from firstline.executors.process.tree import look
from firstline.remediation.hold import switch
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Command
from firstline.store.table import REMEDIATION, WRITE_BACK
from firstline.testing.executor import until

pytestmark = pytest.mark.anyio

CHANGE = "change:CHG0000001"


class Died(BaseException):
    """The process, here."""


def before(monkeypatch: pytest.MonkeyPatch, name: str, act: object) -> None:
    """Something happens just before a command of this name would begin."""
    run = Procedure.run

    async def watched(self: Procedure, phase: str, number: int, command: Command, *more: Any) -> object:
        if command.name == name and not done:
            done.append(name)
            act()  # type: ignore[operator]
        return await run(self, phase, number, command, *more)

    done: list[str] = []
    monkeypatch.setattr(Procedure, "run", watched)


def die() -> None:
    raise Died


async def dies(shop: Stage) -> None:
    with pytest.raises(Died):
        await shop.incident()


async def comes_back(shop: Stage, **time: float) -> None:
    """Another process takes over what the dead one had in hand."""
    left = sa.update(REMEDIATION).where(REMEDIATION.c.owner.is_not(None))
    values = {"owner": None, "turn": REMEDIATION.c.turn + 1, "wake_at": REMEDIATION.c.created_at}
    shop.hub.database.write_now(lambda c: c.execute(left.values(**values)))
    await shop.wait(**(time or {"seconds": 1}))


def writes(shop: Stage, act: str) -> list[dict[str, object]]:
    query = sa.select(WRITE_BACK.c.body).filter_by(act=act).order_by(WRITE_BACK.c.id)
    return list(shop.read(lambda c: c.execute(query).scalars().all()))


async def test_after_a_kill_switch_no_further_step_begins_and_nothing_is_rolled_back(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage()
    before(monkeypatch, "mend more", shop.throw)
    await shop.incident()
    row = shop.row()
    assert (row["outcome"], shop.runs(), shop.undone()) == ("stopped", 1, False)
    assert "stopped before mend more on shop" in row["reason"]
    assert "fire drill" in row["reason"]


async def test_what_was_stopped_half_way_leaves_its_change_open_and_asks_a_person(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage()
    before(monkeypatch, "mend more", shop.throw)
    await shop.incident()
    [note] = shop.notes("stopped half-way: a person has to look")
    assert "mend on shop: done" in note
    assert "CHG0000001 in firstline, left open" in note
    assert [body["to"] for body in writes(shop, "state")] == ["escalated"]
    assert writes(shop, "change") == []
    assert shop.locks() == []


async def test_a_rollback_does_not_begin_after_a_kill_switch(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await stage(mend="exit 1")
    before(monkeypatch, "put it back", shop.throw)
    await shop.incident()
    assert (shop.row()["outcome"], shop.undone()) == ("stopped", False)


@pytest.mark.parametrize("scope", ["all", "service:shop"])
async def test_a_switch_thrown_while_it_waits_holds_it_until_it_is_lifted(stage: Make, scope: str) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    shop.throw(scope)
    await shop.answer("ann")
    await shop.wait(hours=1)
    assert (shop.runs(), shop.holding(), shop.locks()) == (0, ["switch"], [])
    await shop.lift(scope)
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_a_process_that_dies_between_two_steps_is_gone_on_for_and_no_step_runs_twice(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage()
    before(monkeypatch, "mend more", die)
    await dies(shop)
    assert (shop.runs(), shop.locks()) == (1, ["shop"])
    await comes_back(shop)
    assert (shop.row()["outcome"], shop.runs(), shop.locks()) == ("proved", 2, [])


@pytest.mark.parametrize(("name", "change"), [("open", STANDARD), ("request", NORMAL), ("move", NORMAL)])
async def test_a_process_that_dies_just_after_it_spoke_to_the_register_opens_no_second_change_and_runs_once(
    stage: Make, monkeypatch: pytest.MonkeyPatch, name: str, change: str
) -> None:
    shop = await stage(change=change)
    own = shop.hub.context.own
    speak = getattr(type(own), name)

    async def once(*given: object) -> object:
        await speak(own, *given)
        monkeypatch.setattr(own, name, lambda *more: speak(own, *more))
        raise Died

    monkeypatch.setattr(own, name, once)
    if change == NORMAL and name == "move":
        await shop.incident()
        with pytest.raises(Died):
            await shop.answer("ann")
    else:
        await dies(shop)
    await comes_back(shop)
    if shop.row()["stage"] == "opened":
        await shop.answer("ann")
    await shop.write()
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)
    assert shop.row()["change"]["number"] == "CHG0000001"
    assert shop.told(CHANGE)[-1][1].endswith("to closed, successful")
    assert shop.told("change:CHG0000002") == []


async def test_what_died_before_its_first_step_is_looked_at_anew_before_it_begins(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage()
    before(monkeypatch, "mend", die)
    await dies(shop)
    assert shop.row()["stage"] == "prepared"
    await shop.incident(event_type="incident.resolved", status="resolved")
    await comes_back(shop, hours=2)
    await shop.write()
    assert (shop.row()["outcome"], shop.runs()) == ("not_needed", 0)
    assert shop.told(CHANGE)[-1] == ("moved", "Moved to canceled")


async def test_a_switch_thrown_while_no_process_lived_holds_what_had_not_begun(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage()
    before(monkeypatch, "mend", die)
    await dies(shop)
    shop.hub.database.write_now(lambda c: switch.throw(c, "all", "ann", "fire drill"))
    await comes_back(shop)
    assert (shop.row()["stage"], shop.holding(), shop.runs()) == ("opened", ["switch"], 0)
    await shop.lift()
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_a_remediation_that_is_stopped_by_name_has_what_runs_of_it_ended(stage: Make) -> None:
    lasting = 'touch "$1/at-work"; (setsid sh -c "echo \\$\\$ >\\"$1/child\\"; exec sleep 100000" &); sleep 100000'
    shop = await stage(mend=lasting)
    going = asyncio.ensure_future(shop.incident())
    await until((shop.marks / "child").exists)
    row = shop.row()
    shop.throw(f"remediation:{row['id']}")
    await going
    row = shop.row()
    assert row["outcome"] == "stopped"
    assert "mend on shop was ended: stopped by ann: fire drill" in row["reason"]
    assert look(int((shop.marks / "child").read_text())) is None
    assert not shop.undone()
    assert shop.read(switch.thrown) == []  # nothing is left to stop


async def test_who_stops_a_remediation_that_has_ended_is_told(stage: Make) -> None:
    shop = await stage()
    await shop.incident()
    with pytest.raises(Rejected, match="it has ended"):
        shop.throw(f"remediation:{shop.row()['id']}")


async def test_who_mistypes_the_id_of_a_remediation_is_told(stage: Make) -> None:
    shop = await stage()
    with pytest.raises(Rejected, match="there is none with this id"):
        shop.throw("remediation:0199d0a0-0000-7000-8000-000000000000")
