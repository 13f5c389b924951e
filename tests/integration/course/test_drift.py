"""An approval is of a plan: whatever has changed since voids it, says what changed, and nothing runs."""

import dataclasses
from collections.abc import Awaitable, Callable

import pytest
from tests.integration.course.folder import NORMAL
from tests.integration.course.stage import Make, Stage

pytestmark = pytest.mark.anyio

Drift = Callable[[Stage], Awaitable[None]]


async def runbook(shop: Stage) -> None:
    shop.edit("mend", "echo ran", "echo ran ran")


async def inputs(shop: Stage) -> None:
    shop.edit("mapping.yaml", '"${{ incident.service }}"}', '"${{ incident.service }}2"}')


async def targets(shop: Stage) -> None:
    service = {"id": "PX", "type": "service_reference", "summary": "shop-eu", "html_url": "https://x/s"}
    await shop.incident(event_type="incident.escalated", service=service)


async def approvers(shop: Stage) -> None:
    shop.edit("mapping.yaml", "mode: approve", "mode: approve\n    approval: {by: [ann], count: 1}")


async def settings(shop: Stage) -> None:
    where = shop.hub.decider.where
    changed = {**where.settings, "connection pagerduty": "f" * 64}
    shop.hub.decider.where = dataclasses.replace(where, settings=changed)


DRIFTS: dict[str, tuple[Drift, str]] = {
    "runbook": (runbook, "runbook: mend 1.0.0 ("),
    "inputs": (inputs, "input host: 'shop' is now 'shop2'"),
    "targets": (targets, "targets: shop is now shop-eu"),
    "approvers": (approvers, "approvers: none is now ann"),
    "settings": (settings, "settings of connection pagerduty"),
}


@pytest.mark.parametrize("what", DRIFTS)
async def test_what_has_changed_since_it_was_asked_voids_the_approval_and_is_asked_anew(stage: Make, what: str) -> None:
    drift, said = DRIFTS[what]
    shop = await stage(mode="approve")
    await shop.incident()
    await drift(shop)
    await shop.answer("ann")
    assert (shop.row()["stage"], shop.row()["approved_by"], shop.runs()) == ("waiting", "", 0)
    assert said in shop.acts("drifted")[0]
    assert "No longer asked" in shop.acts("void")[0]
    assert len(shop.notes("the plan has changed, and begins anew")) == 1
    assert len(shop.acts("asked")) == 2
    assert shop.locks() == []


@pytest.mark.parametrize("what", ["runbook", "targets"])
async def test_what_has_changed_while_it_was_held_voids_the_approval_as_well(stage: Make, what: str) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    shop.throw()
    await shop.answer("ann")
    assert shop.holding() == ["switch"]
    await DRIFTS[what][0](shop)
    await shop.lift()
    assert (shop.row()["stage"], shop.runs()) == ("waiting", 0)
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.runs()) == ("proved", {"runbook": 4, "targets": 2}[what])


async def test_a_view_that_tells_less_is_no_drift(stage: Make) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    await shop.incident(event_type="incident.escalated", service=None, urgency=None)
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.acts("drifted")) == ("proved", [])


async def test_a_fault_that_is_gone_is_mended_by_nobody(stage: Make) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    await shop.incident(event_type="incident.resolved", status="resolved")
    assert (shop.row()["outcome"], shop.row()["stage"], shop.runs()) == ("not_needed", "ended", 0)
    assert shop.acts("void") == ["No longer asked: the incident is resolved by now"]


async def test_a_held_one_whose_incident_is_resolved_ends_as_not_needed(stage: Make) -> None:
    shop = await stage()
    shop.throw()
    await shop.incident()
    await shop.wait(minutes=2)
    assert shop.holding() == ["switch"]
    await shop.incident(event_type="incident.resolved", status="resolved")
    assert (shop.row()["outcome"], shop.runs()) == ("not_needed", 0)


async def test_a_change_that_waits_is_canceled_when_its_incident_is_resolved(stage: Make) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    await shop.wait(minutes=1)
    await shop.incident(event_type="incident.resolved", status="resolved")
    await shop.write()
    assert (shop.row()["outcome"], shop.runs()) == ("not_needed", 0)
    assert shop.told("change:CHG0000001")[-1] == ("moved", "Moved to canceled")


async def test_an_approved_change_whose_plan_has_changed_is_canceled_and_another_one_is_asked_about(
    stage: Make,
) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    shop.throw()
    await shop.answer("ann")
    await runbook(shop)
    await shop.lift()
    await shop.write()
    assert (shop.row()["stage"], shop.row()["change"]["number"], shop.runs()) == ("opened", "CHG0000002", 0)
    assert shop.told("change:CHG0000001")[-1] == ("moved", "Moved to canceled")
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 4)


async def test_a_plan_that_is_again_what_it_was_gets_a_change_of_its_own(stage: Make) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    for before, after in (("echo ran", "echo ran ran"), ("echo ran ran", "echo ran")):
        shop.edit("mend", before, after)
        await shop.wait(minutes=2)
    await shop.write()
    assert shop.row()["change"]["number"] == "CHG0000003"
    assert shop.told("change:CHG0000002")[-1] == ("moved", "Moved to canceled")
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_a_plan_that_never_stands_still_stops_and_a_person_is_asked(stage: Make) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    for number in range(6):
        shop.edit("mend", "echo ran", f"true {number}; echo ran")
        await shop.wait(minutes=2)
    assert (shop.row()["outcome"], shop.runs()) == ("stopped", 0)
    assert "changed 6 times" in shop.row()["reason"]


async def test_what_was_let_go_and_then_held_for_too_long_is_asked_anew(stage: Make) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    shop.throw()
    await shop.answer("ann")
    await shop.wait(hours=25)
    await shop.lift()
    assert (shop.row()["stage"], shop.runs()) == ("waiting", 0)
    assert "what ann let go was held until it expired" in shop.acts("drifted")[0]
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_a_mapping_that_is_taken_away_lets_nothing_run(stage: Make) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    shop.edit("mapping.yaml", "id: mend", "id: other")
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.runs()) == ("stopped", 0)
    assert "no mapping shop/mend any more" in shop.row()["reason"]


async def test_a_mapping_that_may_only_observe_by_now_lets_nothing_run(stage: Make) -> None:
    shop = await stage(mode="approve")
    await shop.incident()
    shop.edit("mapping.yaml", "mode: approve", "mode: observe")
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.runs()) == ("stopped", 0)
