from collections.abc import Callable
from typing import Any

import pytest

from firstline_pagerduty.connector import PagerDutyConnector

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]


async def test_a_good_connection_is_well(connect: Connect, sandbox: Any) -> None:
    findings = await connect(sandbox.address).check()
    assert [(finding.subject, finding.ok) for finding in findings] == [
        ("key", True),
        ("user", True),
        ("webhooks", True),
    ]


async def test_a_refused_key_is_found(connect: Connect, loopback: Any, vendor: Any) -> None:
    (finding,) = await connect(loopback(vendor((401, {"error": {"code": 2006}})))).check()
    assert (finding.subject, finding.ok) == ("key", False)
    assert "token" in finding.mend


async def test_an_address_without_a_user_is_found(connect: Connect, sandbox: Any) -> None:
    findings = await connect(sandbox.address, from_email="nobody@example.com").check()
    assert [finding.subject for finding in findings if not finding.ok] == ["user"]


async def test_a_wrong_own_user_is_found_and_the_right_one_named(connect: Connect, sandbox: Any) -> None:
    findings = await connect(sandbox.address, own_user_id="PWRONG").check()
    (finding,) = [finding for finding in findings if not finding.ok]
    assert "PFIRSTL" in finding.mend


async def test_without_an_own_user_its_id_is_offered(connect: Connect, sandbox: Any) -> None:
    findings = await connect(sandbox.address, own_user_id="").check()
    assert all(finding.ok for finding in findings)
    assert any("PFIRSTL" in finding.message for finding in findings)


async def test_a_disabled_webhook_subscription_is_found(connect: Connect, loopback: Any, vendor: Any) -> None:
    users = {"users": [{"id": "PFIRSTL", "email": "Firstline@example.com"}]}
    method = {"url": "https://hub.example/hooks/pd", "temporarily_disabled": True}
    fake = vendor((200, users), (200, {"webhook_subscriptions": [{"delivery_method": method}]}))
    findings = await connect(loopback(fake)).check()
    (finding,) = [finding for finding in findings if not finding.ok]
    assert "https://hub.example/hooks/pd" in finding.message


async def test_a_key_that_may_not_see_subscriptions_is_a_finding(connect: Connect, loopback: Any, vendor: Any) -> None:
    users = {"users": [{"id": "PFIRSTL", "email": "firstline@example.com"}]}
    findings = await connect(loopback(vendor((200, users), (403, {})))).check()
    assert [finding.subject for finding in findings if not finding.ok] == ["webhooks"]
