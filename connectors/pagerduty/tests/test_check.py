"""What `firstline doctor` finds of a PagerDuty connection."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firstline.connector import Finding, SandboxSettings
from firstline_pagerduty import check
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.rest import Answer
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
HOOK = "https://hub.example/hooks/pd"


def ill(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings if not finding.ok}


async def test_a_good_connection_is_well_and_takes_five_requests(connect: Connect, sandbox: Any) -> None:
    findings = await connect(sandbox.address).check()
    assert ill(findings) == {}
    assert [finding.subject for finding in findings] == [
        *("address", "key", "user", "clock", "log", "writing", "priorities", "webhooks", "budget")
    ]
    assert (await sandbox.state())["requests"]["total"] == 5


async def test_a_check_changes_nothing(connect: Connect, sandbox: Any) -> None:
    before = (await sandbox.state())["incidents"]
    await connect(sandbox.address).check()
    assert (await sandbox.state())["incidents"] == before


async def test_a_refused_key_is_found(connect: Connect, loopback: Any, vendor: Any) -> None:
    (finding,) = await connect(loopback(vendor((401, {"error": {"code": 2006}})))).check()
    assert (finding.subject, finding.ok) == ("key", False)
    assert "token" in finding.mend


async def test_an_address_without_a_user_is_found(connect: Connect, sandbox: Any) -> None:
    assert ill(await connect(sandbox.address, from_email="nobody@example.com").check()).keys() == {"user"}


async def test_a_wrong_own_user_is_found_and_the_right_one_named(connect: Connect, sandbox: Any) -> None:
    assert "PFIRSTL" in ill(await connect(sandbox.address, own_user_id="PWRONG").check())["user"].mend


async def test_without_an_own_user_its_id_is_offered(connect: Connect, sandbox: Any) -> None:
    findings = await connect(sandbox.address, own_user_id="").check()
    assert ill(findings) == {}
    assert any("PFIRSTL" in finding.message for finding in findings)


async def test_a_user_and_a_key_that_only_read_are_found_with_the_role_to_give(connect: Connect, loopback: Any) -> None:
    user = {"id": "PFIRSTL", "name": "F", "email": "firstline@example.com", "role": "read_only_user"}
    address = loopback(create_app(SandboxSettings(seed={"users": [user], "services": [], "read_only": True})))
    found = ill(await connect(address).check())
    assert found.keys() == {"user", "writing"}
    assert all("Responder" in finding.mend for finding in found.values())


async def test_an_app_that_lacks_scopes_is_told_which(connect: Connect, loopback: Any) -> None:
    seed = {"oauth_client_id": "app", "oauth_client_secret": "hidden", "oauth_scopes": ["users.read"]}
    address = loopback(create_app(SandboxSettings(seed=seed)))
    app = {"token": None, "oauth_client_id": "app", "oauth_client_secret": "hidden", "oauth_url": address}
    found = ill(await connect(address, **app, oauth_scope="as_account-us.acme users.read incidents.read").check())
    assert {name: scope for name, scope in _SCOPES.items() if scope in found[name].mend} == _SCOPES


_SCOPES = {"log": "incidents.read", "writing": "incidents.write", "webhooks": "webhook_subscriptions.read"}


@pytest.mark.parametrize(("seconds", "well"), [(0, True), (-50, True), (120, False), (-120, False)])
def test_a_clock_that_is_more_than_a_minute_off_is_found(seconds: int, well: bool) -> None:
    finding = check._clock(Answer({}, datetime.now(UTC) + timedelta(seconds=seconds)))
    assert finding.ok is well
    assert well or "NTP" in finding.mend


def test_answers_without_a_time_are_found() -> None:
    assert "Date" in check._clock(Answer({}, None)).message


async def test_a_rehearsal_s_own_webhook_is_well(connect: Connect, loopback: Any) -> None:
    settings = SandboxSettings(hook_url="http://127.0.0.1:9/hooks/pd")
    assert "webhooks" not in ill(await connect(loopback(create_app(settings))).check())


async def test_a_disabled_subscription_is_found_and_mended_by_connect(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    made = await connector.connect(HOOK)
    await sandbox.request("POST", f"/sandbox/subscriptions/{made.id}/disable")
    finding = ill(await connector.check())["webhooks"]
    assert HOOK in finding.message
    assert "firstline connect pd" in finding.mend
    await connector.connect(HOOK)
    assert ill(await connector.check()) == {}


async def test_a_subscription_of_ours_that_lacks_events_is_found(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    made = await connector.connect(HOOK)
    body = {"webhook_subscription": {"events": ["incident.triggered"]}}
    await sandbox.request("PUT", f"/webhook_subscriptions/{made.id}", body)
    assert "events" in ill(await connector.check())["webhooks"].message


async def test_a_budget_that_is_nearly_spent_is_found(connect: Connect, loopback: Any) -> None:
    address = loopback(create_app(SandboxSettings(seed={"rate_limit": 5})))
    assert ill(await connect(address).check()).keys() == {"budget"}
