"""What `firstline doctor` says of a connection: each finding with its mend."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline.connector import Finding
from firstline_jira.check import clock
from firstline_jira.connector import JiraConnector

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]
Loopback = Callable[[Any], str]


def amiss(findings: list[Finding]) -> list[str]:
    assert all(finding.mend for finding in findings if not finding.ok)
    return [finding.subject for finding in findings if not finding.ok]


async def test_a_good_connection_is_well_in_each_respect_with_few_requests(make: Make, address: str) -> None:
    jira = make(address)
    findings = await jira.check()
    assert amiss(findings) == []
    subjects = [finding.subject for finding in findings]
    assert subjects == [
        "address", "sign-in", "time zone", "clock", "budget", "rights", "fields", "state model", "webhook",
        "changes in HELP",
    ]  # fmt: skip
    assert jira.meter.take()[0] <= 14


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        ({"api_token": "expired"}, "sign-in"),
        ({"own_account_id": "5b-another"}, "sign-in"),
        ({"change": {"project": "NONE"}}, "changes in NONE"),
        ({"change": {"project": "HELP", "request_type": "Upgrade"}}, "changes in HELP"),
        ({"change": {"project": "HELP", "statuses": {"Implementing": "review"}}}, "changes in HELP"),
        ({"fields": ["Root caus"]}, "fields"),
    ],
)
async def test_what_is_amiss_is_found_with_its_mend(
    make: Make, address: str, settings: dict[str, Any], subject: str
) -> None:
    assert amiss(await make(address, **settings).check()) == [subject]


@pytest.mark.parametrize(
    ("trouble", "subject", "words"),
    [
        ({"denied": ["ADD_COMMENTS", "ADMINISTER"]}, "rights", "ADD_COMMENTS in HELP"),
        ({"time_zone": "Mars/Olympus"}, "time zone", "UTC"),
        ({"requests": 12, "per": 3600}, "budget", "poll less often"),
    ],
)
async def test_what_the_site_lacks_is_found_with_its_mend(
    make: Make, address: str, site: httpx.AsyncClient, trouble: dict[str, Any], subject: str, words: str
) -> None:
    jira = make(address)
    await site.put("/sandbox/trouble", json=trouble)
    if "requests" in trouble:
        for _ in range(11):
            await site.get("/rest/api/3/myself")
    findings = await jira.check()
    assert amiss(findings)[:1] == [subject]
    assert words in next(finding.mend for finding in findings if finding.subject == subject)


async def test_a_webhook_that_is_switched_off_is_found(make: Make, address: str, site: httpx.AsyncClient) -> None:
    jira = make(address)
    made = await jira.connect("http://127.0.0.1:9/hooks/jira-prod")
    assert amiss(await jira.check()) == []
    await site.put(f"/rest/webhooks/1.0/webhook/{made.id}", json={"enabled": False})
    findings = await jira.check()
    assert amiss(findings) == ["webhook"]
    assert "switched off" in str(findings)


async def test_a_create_screen_that_would_refuse_changes_is_found(
    make: Make, address: str, site: httpx.AsyncClient
) -> None:
    await site.put("/sandbox/trouble", json={"mandatory": ["customfield_10031"], "off_form": ["description"]})
    found = (await make(address, change={"project": "HELP", "types": {"emergency": "Fire"}}).check())[-1]
    assert not found.ok
    assert all(words in found.message for words in ("requires Root cause", "none stands for emergency"))
    filled = make(address, change={"project": "HELP", "fields": {"Root cause": "See incident"}})
    assert "the portal shows no Description" in (await filled.check())[-1].message


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (-60, True), (60, True), (-61, False), (300, False)])
def test_a_clock_that_differs_by_more_than_a_minute_is_found(seconds: int, ok: bool) -> None:
    now = datetime(2026, 11, 23, 4, tzinfo=UTC)
    finding = clock(format_datetime(now + timedelta(seconds=seconds), usegmt=True), now)
    assert (finding.ok, bool(finding.mend)) == (ok, not ok)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 23 Nov 2026 04:00:00 -0000"])
def test_an_answer_without_a_time_is_found(date: str) -> None:
    assert not clock(date, datetime(2026, 11, 23, 4, tzinfo=UTC)).ok


async def test_an_account_without_a_time_zone_is_found(make: Make, loopback: Loopback) -> None:
    async def answer(_: Request) -> Response:
        return JSONResponse({"accountId": "5b"})

    app = Starlette(routes=[Route("/{path:path}", answer)])
    assert "time zone" in amiss(await make(loopback(app)).check())


async def test_plain_http_is_found_but_for_loopback(make: Make, address: str) -> None:
    assert amiss(await make("http://jira.invalid").check())[0] == "address"
    assert "address" not in amiss(await make(address).check())


async def test_data_center_is_checked_alike(jira_server: JiraConnector) -> None:
    assert amiss(await jira_server.check()) == []
