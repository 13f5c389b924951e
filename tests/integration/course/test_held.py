"""What is held: told once, with nothing locked, told on its ticket when it takes long, and never past an approval."""

import json
from datetime import timedelta

import pytest
from tests.integration.course.folder import NORMAL, SERVICENOW
from tests.integration.course.stage import Make

from firstline.errors import Unknown
from firstline.executors.command import CommandExecutor
from firstline.remediation.note.start import HELD
from firstline.store.database import insert
from firstline.store.table import LockRow, now

pytestmark = pytest.mark.anyio

LATE = 'no_record = "late"\n'


async def test_what_holds_it_is_told_once_however_often_it_is_looked_at(stage: Make) -> None:
    shop = await stage()
    shop.throw()
    await shop.incident()
    for _ in range(5):
        await shop.wait(minutes=1)
    assert len(shop.acts("held")) == 1
    shop.throw("service:shop")
    await shop.wait(minutes=1)
    assert len(shop.acts("held")) == 2


async def test_its_ticket_is_told_once_when_it_is_held_for_a_while_and_when_the_work_begins(stage: Make) -> None:
    shop = await stage()
    shop.throw()
    await shop.incident()
    await shop.write()
    assert shop.notes() == []
    for _ in range(3):
        await shop.wait(seconds=HELD.total_seconds() + 1)
        await shop.write()
    [note] = shop.notes()
    assert "Firstline waits: Mend it" in note
    assert "fire drill" in note
    await shop.lift()
    assert len(shop.notes("mended, and proved")) == 1


async def test_one_that_is_held_by_a_sick_group_has_no_target_locked(stage: Make) -> None:
    group = 'group: ["${{ inputs.host }}", "shop2"]\nhealthy:\n  - {name: well, run: ["false"]}\n'
    shop = await stage(runbook=group)
    await shop.incident()
    assert (shop.holding(), shop.locks(), shop.runs()) == (["group"], [], 0)
    await shop.override()
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_one_that_waits_for_its_approval_locks_no_target(stage: Make) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    assert (shop.row()["stage"], shop.holding(), shop.locks()) == ("opened", ["change"], [])


async def test_an_override_passes_no_approval(stage: Make) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    await shop.override()
    await shop.wait(minutes=5)
    assert (shop.row()["stage"], shop.runs()) == ("opened", 0)


async def test_no_record_no_run(stage: Make) -> None:
    shop = await stage(SERVICENOW)
    shop.trouble(status=503, times=1000)
    await shop.incident()
    for _ in range(8):
        await shop.wait(minutes=10)
    assert (shop.runs(), shop.holding(), shop.locks()) == (0, ["change"], [])
    assert len(shop.acts("waits")) == 1
    assert "no record, no run: servicenow does not answer" in shop.row()["reason"]
    shop.trouble(status=503, times=0)
    await shop.wait(minutes=10)
    assert (shop.row()["outcome"], shop.runs(), len(shop.changes())) == ("proved", 2, 1)


async def test_policy_may_let_it_run_and_record_it_late_once_and_marked_so(stage: Make) -> None:
    shop = await stage(SERVICENOW, settings=LATE)
    shop.trouble(status=503, times=1000)
    await shop.incident()
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)
    await shop.write()
    shop.trouble(status=503, times=0)
    for _ in range(3):
        await shop.wait(minutes=10)
        await shop.write()
    [change] = shop.changes()
    assert (change["state"], change["close_code"]) == ("3", "successful")
    assert "late" in json.dumps(change).lower()
    assert [act for act, _ in shop.told()].count("late") == 2
    assert shop.row()["change"]["number"] == change["number"]


@pytest.mark.parametrize("mode", ["auto", "approve"])
async def test_what_needs_an_approval_is_never_run_late_instead(stage: Make, mode: str) -> None:
    shop = await stage(SERVICENOW, mode=mode, change=NORMAL, settings=LATE)
    shop.trouble(status=503, times=1000)
    await shop.incident()
    await shop.wait(minutes=30)
    assert (shop.row()["stage"], shop.holding(), shop.runs()) == ("ready", ["change"], 0)


async def test_a_register_that_refuses_the_sign_in_holds_it_too(stage: Make) -> None:
    shop = await stage(SERVICENOW)
    shop.trouble(status=401, times=1000)
    await shop.incident()
    await shop.wait(minutes=30)
    assert (shop.runs(), shop.holding()) == (0, ["change"])


async def test_a_target_that_another_process_has_is_left_alone_until_it_lets_go(stage: Make) -> None:
    shop = await stage()
    lock = LockRow(target="shop", remediation_id="another", expires_at=now() + timedelta(minutes=5))
    shop.hub.database.write_now(lambda c: insert(c, lock))
    await shop.incident()
    await shop.wait(minutes=2)
    assert (shop.holding(), shop.runs()) == (["lock"], 0)
    await shop.wait(minutes=4)
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_what_can_not_be_told_keeps_its_target_until_the_lock_expires(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage(mode="approve")

    async def lost(*_: object) -> None:
        raise Unknown("nobody saw its end")

    monkeypatch.setattr(CommandExecutor, "start", lost)
    await shop.incident()
    await shop.answer("ann")
    await shop.write()
    assert (shop.row()["outcome"], shop.locks()) == ("unknown", ["shop"])
    assert shop.told("change:CHG0000001")[-1] == ("moved", "Moved through scheduled to implement")
