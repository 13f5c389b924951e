"""A normal change in ServiceNow's sandbox: what its manager does there decides, and nothing goes past it."""

from datetime import datetime, timedelta

import httpx
import pytest
from tests.integration.course.folder import NORMAL, SERVICENOW
from tests.integration.course.stage import Make, Stage

from firstline.connector import Approval, Standing

pytestmark = pytest.mark.anyio


async def waiting(stage: Make, **how: object) -> Stage:
    shop = await stage(SERVICENOW, change=NORMAL, **how)
    await shop.incident()
    assert shop.changes()[0]["approval"] == "requested"
    return shop


async def test_nothing_runs_before_it_is_approved_and_it_is_in_implement_before_the_first_step(
    stage: Make,
) -> None:
    shop = await waiting(stage, mend='echo ran >>"$1/runs"; touch "$1/mended"')
    await shop.wait(hours=2)
    assert (shop.runs(), shop.locks()) == (0, [])
    shop.desk("approve")
    await shop.wait(minutes=2)
    await shop.write()
    acts = [act for act, _ in shop.told()]
    assert acts.index("approved") < acts.index("prepared") < acts.index("ran")
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)
    assert shop.row()["approved_by"] == "David Loo"
    assert (shop.changes()[0]["state"], shop.changes()[0]["close_code"]) == ("3", "successful")


async def test_the_work_that_is_recorded_begins_after_its_approval(stage: Make) -> None:
    shop = await waiting(stage)
    await shop.wait(hours=2)
    shop.desk("approve")
    await shop.wait(minutes=2)
    await shop.write()
    began = datetime.fromisoformat(f"{shop.changes()[0]['work_start']}+00:00")
    assert began - shop.row()["created_at"] > timedelta(minutes=119)  # its fault was looked at when it came


async def test_a_refusal_runs_nothing_and_says_who_and_why(stage: Make) -> None:
    shop = await waiting(stage)
    shop.desk("reject", comment="Not on a Monday.")
    await shop.wait(minutes=2)
    await shop.write()
    assert (shop.row()["outcome"], shop.runs(), shop.changes()[0]["state"]) == ("refused", 0, "4")
    assert "Not on a Monday." in shop.row()["reason"]


async def test_what_the_register_tells_of_it_wakes_it_before_the_next_look(stage: Make) -> None:
    shop = await waiting(stage)
    shop.desk("approve")
    assert shop.runs() == 0
    await shop.poll("servicenow")
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_nobody_answers_in_time(stage: Make) -> None:
    shop = await waiting(stage)
    await shop.wait(hours=25)
    await shop.write()
    assert (shop.row()["outcome"], shop.runs()) == ("expired", 0)
    assert shop.changes()[0]["state"] == "4"


async def test_the_author_of_the_runbook_does_not_count_there_either(stage: Make) -> None:
    shop = await waiting(stage, author="david.loo")
    shop.desk("approve")
    await shop.wait(minutes=2)
    assert (shop.row()["stage"], shop.runs()) == ("opened", 0)
    assert "author" in shop.row()["reason"]


async def test_a_change_that_is_canceled_by_hand_runs_nothing_and_is_left_alone(stage: Make) -> None:
    shop = await waiting(stage)
    by_hand(shop, {"state": "4"})
    await shop.wait(minutes=2)
    await shop.write()
    assert (shop.row()["outcome"], shop.runs(), shop.parked()) == ("refused", 0, [])


async def test_a_change_that_is_closed_by_hand_runs_nothing_and_is_left_alone(stage: Make) -> None:
    shop = await waiting(stage)
    shop.desk("approve")
    closed = {"state": "3", "close_code": "successful", "close_notes": "Done by hand."}
    for values in ({"state": "-1"}, {"state": "0"}, closed):
        by_hand(shop, values)
    await shop.wait(minutes=2)
    await shop.write()
    assert (shop.row()["outcome"], shop.runs(), shop.parked()) == ("stopped", 0, [])
    assert "somebody moved it there" in shop.row()["reason"]


async def test_a_change_that_got_past_its_approval_without_one_runs_nothing(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await stage(change=NORMAL)
    await shop.incident()
    past = Standing(state="scheduled", approval=Approval(state="not_required"))
    monkeypatch.setattr(shop.hub.context.own, "standing", lambda _: answered(past))
    await shop.wait(minutes=5)
    assert (shop.row()["stage"], shop.runs()) == ("opened", 0)
    assert "nobody has approved it" in shop.row()["reason"]


async def answered(standing: Standing) -> Standing:
    """As a register would whose workflow asks nobody."""
    return standing


async def test_a_change_that_is_gone_runs_nothing(stage: Make) -> None:
    shop = await waiting(stage)
    by_hand(shop, None)
    await shop.wait(minutes=5)
    assert (shop.row()["outcome"], shop.runs()) == ("stopped", 0)


async def test_its_manager_may_plan_it_for_later_and_for_sooner(stage: Make) -> None:
    shop = await waiting(stage)
    later = {"start_date": "2099-01-01 00:00:00", "end_date": "2099-01-02 00:00:00"}
    by_hand(shop, later)
    shop.desk("approve")
    await shop.wait(hours=30)
    assert (shop.row()["stage"], shop.runs()) == ("opened", 0)
    assert "planned to begin at 2099-01-01 00:00 UTC" in shop.row()["reason"]
    by_hand(shop, {"start_date": "2020-01-01 00:00:00"})
    await shop.wait(minutes=5)
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)


async def test_after_its_window_nothing_runs(stage: Make) -> None:
    shop = await waiting(stage)
    by_hand(shop, {"start_date": "2020-01-01 00:00:00", "end_date": "2020-01-02 00:00:00"})
    shop.desk("approve")
    await shop.wait(minutes=5)
    assert (shop.row()["stage"], shop.runs()) == ("opened", 0)
    assert "the window of CHG" in shop.row()["reason"]


async def test_a_register_that_is_down_while_it_waits_delays_it_and_no_more(stage: Make) -> None:
    shop = await waiting(stage)
    shop.desk("approve")
    shop.trouble(status=503, times=1000)
    await shop.wait(minutes=5)
    assert shop.runs() == 0
    shop.trouble(status=503, times=0)
    await shop.wait(minutes=10)
    assert (shop.row()["outcome"], shop.runs(), len(shop.changes())) == ("proved", 2, 1)


async def test_whom_the_mapping_names_is_asked_as_well_and_both_stand_in_the_record(stage: Make) -> None:
    shop = await stage(SERVICENOW, mode="approve", change=NORMAL, mapping="    approval: {by: [ann]}")
    await shop.incident()
    assert (shop.row()["stage"], shop.changes()) == ("waiting", [])
    await shop.answer("ann")
    assert shop.runs() == 0
    shop.desk("approve")
    await shop.wait(minutes=5)
    assert (shop.row()["approved_by"], shop.runs()) == ("ann, David Loo", 2)


async def test_two_that_have_to_agree_are_asked_by_the_hub(stage: Make) -> None:
    shop = await stage(SERVICENOW, mode="approve", change=NORMAL, mapping="    approval: {count: 2}")
    await shop.incident()
    await shop.answer("ann")
    assert (shop.row()["stage"], shop.changes()) == ("waiting", [])


def by_hand(shop: Stage, values: dict[str, str] | None) -> None:
    """What an administrator does to the row itself; None: it is deleted."""
    url = f"{shop.addresses['servicenow']}/api/now/table/change_request/{shop.changes()[0]['sys_id']}"
    asked = {"auth": ("admin", "admin"), "trust_env": False}
    done = httpx.delete(url, **asked) if values is None else httpx.patch(url, json=values, **asked)  # type: ignore[arg-type]
    assert done.status_code < 300, done.text
