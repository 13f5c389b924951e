"""The same life in Jira's sandbox, and what ServiceNow's incident is told when our own run made it worse."""

from typing import Any

import pytest
from tests.integration.course.folder import EMERGENCY, JIRA, NORMAL, SERVICENOW, STANDARD
from tests.integration.course.stage import Make, Stage

from firstline.testing.loopback import ask

pytestmark = pytest.mark.anyio


def issue(shop: Stage) -> dict[str, Any]:
    """The newest change, as Jira's sandbox has it now."""
    state = ask("GET", f"{shop.addresses['jira']}/sandbox/state").json()
    found: dict[str, Any] = state["issues"][-1]
    return found


def decide(shop: Stage, decision: str) -> None:
    url = f"{shop.addresses['jira']}/sandbox/request-approval/{issue(shop)['key']}/{decision}"
    ask("POST", url).raise_for_status()


def status(shop: Stage) -> str:
    return str(issue(shop)["fields"]["status"]["name"])


async def test_a_normal_change_waits_for_its_approval_in_jira_and_runs_once(stage: Make) -> None:
    shop = await stage(JIRA, change=NORMAL)
    await shop.incident()
    await shop.wait(hours=1)
    assert (shop.row()["stage"], shop.runs(), shop.locks()) == ("opened", 0, [])
    decide(shop, "approve")
    await shop.wait(minutes=2)
    assert (shop.row()["outcome"], shop.row()["approved_by"], shop.runs()) == ("proved", "Change Manager", 2)
    assert status(shop) == "Implementing"
    await shop.write()
    assert (status(shop), shop.parked()) == ("Completed", [])


async def test_a_change_that_is_declined_in_jira_runs_nothing(stage: Make) -> None:
    shop = await stage(JIRA, change=NORMAL)
    await shop.incident()
    decide(shop, "decline")
    await shop.wait(minutes=2)
    await shop.write()
    assert (shop.row()["outcome"], shop.runs(), shop.parked()) == ("refused", 0, [])


async def test_an_emergency_runs_first_in_jira_and_its_approval_is_followed(stage: Make) -> None:
    shop = await stage(JIRA, change=EMERGENCY, settings='emergency = "first"\n')
    await shop.incident()
    assert (shop.row()["outcome"], shop.runs()) == ("proved", 2)
    decide(shop, "approve")
    await shop.wait(minutes=5)
    await shop.write()
    assert (shop.row()["stage"], shop.parked()) == ("ended", [])
    assert "approved afterwards" in [act for act, _ in shop.told()]


async def polled(shop: Stage) -> None:
    """ServiceNow's incident, which names no service."""
    shop.edit("mapping.yaml", '"${{ incident.service }}"}', '"shop"}')
    shop.edit("mapping.yaml", "dedupe: ${{ incident.service }}", "dedupe: shop")
    await shop.poll("servicenow")


async def test_an_incident_that_our_own_run_made_worse_says_which_change_did(stage: Make) -> None:
    shop = await stage(SERVICENOW, change=STANDARD, mend="exit 1", undo="exit 1")
    await polled(shop)
    await shop.write()
    await shop.write()
    assert shop.row()["outcome"] == "failed"
    [incident] = [row for row in shop.table("incident") if row["short_description"] == "shop does not answer"]
    [change] = shop.changes()
    assert (incident["caused_by"], incident["rfc"]) == (change["sys_id"], change["sys_id"])
    assert (change["state"], change["close_code"]) == ("3", "unsuccessful")
    assert shop.parked() == []


async def test_one_that_was_rolled_back_has_caused_nothing(stage: Make) -> None:
    shop = await stage(SERVICENOW, change=STANDARD, mend="exit 1")
    await polled(shop)
    await shop.write()
    [incident] = [row for row in shop.table("incident") if row["short_description"] == "shop does not answer"]
    assert (shop.row()["outcome"], incident["caused_by"]) == ("failed", "")
