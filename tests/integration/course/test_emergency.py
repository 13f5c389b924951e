"""An emergency that policy lets run first: its change is filed at once, and its approval is followed to its end."""

import pytest
import sqlalchemy as sa
from tests.integration.course.folder import EMERGENCY, SERVICENOW
from tests.integration.course.stage import Make, Stage

from firstline.remediation.approval import NotCounted
from firstline.store.table import APPROVAL, WRITE_BACK

pytestmark = pytest.mark.anyio

FIRST = 'emergency = "first"\n'
CHANGE = "change:CHG0000001"


def alarms(shop: Stage) -> list[str]:
    query = sa.select(WRITE_BACK.c.body).filter_by(act="alarm")
    return [body["summary"] for body in shop.read(lambda c: c.execute(query).scalars().all())]


async def test_it_runs_at_once_and_is_approved_afterwards(stage: Make) -> None:
    shop = await stage(change=EMERGENCY, settings=FIRST)
    await shop.incident()
    row = shop.row()
    assert (row["outcome"], row["stage"], shop.runs()) == ("proved", "following", 2)
    assert ("moved", "Moved through authorize, scheduled to implement") in shop.told(CHANGE)
    await shop.answer("ann")
    await shop.write()
    assert shop.row()["stage"] == "ended"
    assert shop.acts("approved afterwards") == ["CHG0000001 is approved by ann"]
    assert shop.told(CHANGE)[-1] == ("moved", "Moved through review to closed, successful")


async def test_a_refusal_afterwards_calls_a_person_and_closes_the_change(stage: Make) -> None:
    shop = await stage(change=EMERGENCY, settings=FIRST + '[alarms]\nconnection = "pagerduty"\n')
    await shop.incident()
    await shop.answer("ann", "refused", "It was no emergency.")
    await shop.write()
    [said] = shop.acts("refused afterwards")
    assert "refused afterwards by ann: It was no emergency." in said
    assert any("was refused afterwards by ann" in each for each in alarms(shop))
    assert shop.told(CHANGE)[-1][1].endswith("to closed, successful")


async def test_a_question_that_nobody_answers_afterwards_is_asked_again(stage: Make) -> None:
    shop = await stage(change=EMERGENCY, settings=FIRST)
    await shop.incident()
    await shop.wait(hours=25)
    states = shop.read(lambda c: c.execute(sa.select(APPROVAL.c.state).order_by(APPROVAL.c.id)).scalars().all())
    assert states == ["void", "waiting"]
    await shop.answer("ann")
    assert (shop.row()["stage"], shop.runs()) == ("ended", 2)


async def test_the_one_who_wrote_the_runbook_approves_it_afterwards_neither(stage: Make) -> None:
    shop = await stage(change=EMERGENCY, settings=FIRST, author="ann")
    await shop.incident()
    with pytest.raises(NotCounted, match="author"):
        await shop.answer("ann")
    await shop.wait(minutes=10)
    assert shop.row()["stage"] == "following"


async def test_one_that_changed_nothing_is_canceled_and_followed_by_nobody(stage: Make) -> None:
    shop = await stage(change=EMERGENCY, settings=FIRST)
    shop.throw()
    await shop.incident()
    assert shop.runs() == 0
    await shop.wait(minutes=2)
    await shop.incident(event_type="incident.resolved", status="resolved")
    assert (shop.row()["stage"], shop.row()["outcome"], shop.told(CHANGE)) == ("ended", "not_needed", [])


async def test_policy_may_ask_first(stage: Make) -> None:
    shop = await stage(change=EMERGENCY)
    await shop.incident()
    assert (shop.row()["stage"], shop.runs()) == ("opened", 0)
    await shop.answer("ann")
    assert (shop.row()["outcome"], shop.row()["stage"], shop.runs()) == ("proved", "ended", 2)


async def test_servicenow_that_lets_nobody_past_its_approval_gets_the_change_filed_and_asked(stage: Make) -> None:
    shop = await stage(SERVICENOW, change=EMERGENCY, settings=FIRST)
    await shop.incident()
    assert (shop.row()["stage"], shop.runs()) == ("following", 2)
    assert shop.changes()[0]["approval"] == "requested"
    shop.desk("approve")
    await shop.wait(minutes=10)
    await shop.write()
    assert shop.row()["stage"] == "ended"
    assert (shop.changes()[0]["state"], shop.changes()[0]["close_code"]) == ("3", "successful")


async def test_a_followed_change_that_is_canceled_by_hand_was_refused_and_is_left_alone(stage: Make) -> None:
    shop = await stage(SERVICENOW, change=EMERGENCY, settings=FIRST)
    await shop.incident()
    shop.desk("reject", comment="No.")
    await shop.wait(minutes=10)
    await shop.write()
    assert shop.row()["stage"] == "ended"
    assert "No." in shop.acts("refused afterwards")[0]
