"""The sandbox makes trouble when it is asked to."""

from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import SandboxSettings, StateChange
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
INCIDENT = "Q3B15VLMF3ASBD"


@pytest.mark.parametrize(
    ("chaos", "status", "code"), [({"rate_limit": 1}, {429}, 2020), ({"server_error": 1}, {500, 502, 503}, 2000)]
)
async def test_a_fault_has_the_vendors_form(
    loopback: Any, at: Any, chaos: dict[str, float], status: set[int], code: int
) -> None:
    sandbox = at(loopback(create_app(SandboxSettings(chaos=chaos))))
    answer = await sandbox.request("GET", "/incidents")
    assert answer.status_code in status
    assert answer.json()["error"]["code"] == code


async def test_faults_are_made_and_taken_back_while_it_runs(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    connector = connect(sandbox.address)
    await sandbox.request("PUT", "/sandbox/chaos", {"reset_after": 1})
    with pytest.raises(Unavailable):
        await connector.set_state(reference, StateChange(to="acknowledged"))
    await sandbox.request("PUT", "/sandbox/chaos", {})
    await connector.set_state(reference, StateChange(to="acknowledged"))
    assert (await sandbox.request("GET", "/sandbox/chaos")).json()["made"] == {"reset_after": 1}


@pytest.mark.parametrize(("chaos", "count"), [({"hook_lost": 1}, 0), ({"hook_duplicate": 1}, 4)])
async def test_webhooks_meet_faults(
    hook: Any, loopback: Any, at: Any, seed: dict[str, Any], chaos: dict[str, float], count: int
) -> None:
    settings = SandboxSettings(seed=seed, hook_url=loopback(hook.app()) + "/hook", chaos=chaos)
    sandbox = at(loopback(create_app(settings)))
    await sandbox.change(status="acknowledged")
    await sandbox.change(status="resolved")
    await sandbox.request("POST", "/sandbox/settle")
    assert hook.waiting == count


async def test_what_overtakes_is_sent_before(
    hook: Any, loopback: Any, at: Any, seed: dict[str, Any], connect: Connect
) -> None:
    """Each webhook is held back until the next about the incident was sent, or its time is up."""
    chaos = {"hook_delay": 1, "hook_delay_seconds": 0}
    settings = SandboxSettings(seed=seed, hook_url=loopback(hook.app()) + "/hook", chaos=chaos)
    sandbox = at(loopback(create_app(settings)))
    await sandbox.change(status="acknowledged")
    await sandbox.change(status="resolved")
    await sandbox.request("POST", "/sandbox/settle")
    events = [event for body in await hook.bodies(2) for event in connect().translate(body)]
    assert {event.type for event in events} == {"incident.acknowledged", "incident.resolved"}


async def test_a_status_that_is_not_kept_is_found(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.request("PUT", "/sandbox/trouble", {"ignored": ["status"]})
    with pytest.raises(Rejected, match="its status is 'triggered'"):
        await connect(sandbox.address).set_state(reference, StateChange(to="resolved"))


async def test_incidents_that_the_key_may_not_see_are_not_shown(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    await sandbox.request("PUT", "/sandbox/trouble", {"hidden_services": ["PSHOP01"]})
    assert (await sandbox.request("GET", "/incidents")).json()["incidents"] == []
    with pytest.raises(Rejected):
        await connect(sandbox.address).fetch(reference)


@pytest.mark.parametrize("trouble", [{"late": 1}, {"late_seconds": -1}, []])
async def test_trouble_that_is_none_is_refused(sandbox: Any, trouble: Any) -> None:
    assert (await sandbox.request("PUT", "/sandbox/trouble", trouble)).status_code == 400
    assert (await sandbox.request("GET", "/sandbox/trouble")).json()["late_seconds"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/log_entries?include[]=notes", 400),
        ("/log_entries?since=yesterday", 400),
        ("/log_entries?include[]=incidents&since=2026-01-01T00:00:00Z", 200),
        ("/incidents?since=2025-01-01T00:00:00Z&until=2025-12-31T00:00:00Z", 400),
        ("/incidents?date_range=all", 200),
        ("/incidents?sort_by=title:asc", 400),
        ("/incidents?sort_by=created_at:up", 400),
        ("/incidents?sort_by=created_at:desc,urgency", 200),
        (f"/incidents/{INCIDENT}/log_entries?is_overview=true", 200),
    ],
)
async def test_lists_take_what_is_documented_and_nothing_else(sandbox: Any, path: str, status: int) -> None:
    assert (await sandbox.request("GET", path)).status_code == status
