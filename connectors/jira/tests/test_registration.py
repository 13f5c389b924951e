"""`firstline connect`: one webhook, made, kept, mended; and what unsigned ones may do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from connectors.jira.tests.conftest import DATA_CENTER
from connectors.jira.tests.test_sandbox import Hub

from firstline.errors import Rejected, Unauthorized
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox.account import CLIENT, CLOUD_ID

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]
Loopback = Callable[[Any], str]

HOOK = "http://127.0.0.1:9/hooks/jira-prod"
ADMIN = "/rest/webhooks/1.0/webhook"
SERVER = "/rest/jira-webhook/1.0/webhooks"


@pytest.fixture
def oauth(make: Make, address: str) -> Callable[..., JiraConnector]:
    def connect(**more: Any) -> JiraConnector:
        sign_in = {**CLIENT, "cloud_id": CLOUD_ID, "token_url": f"{address}/oauth/token", "api_url": address}
        return make(address, **{"user": "", "api_token": None, "oauth": sign_in, "projects": ["HELP"]} | more)

    return connect


async def hooks(site: httpx.AsyncClient, path: str = ADMIN) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await site.get(path)).json()
    return found


async def test_a_webhook_is_made_once_with_the_configured_secret(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    made = await jira.connect(HOOK)
    assert (made.state, made.secret, made.expires_at) == ("made", "", None)
    again = await jira.connect(HOOK)
    assert (again.state, again.id) == ("unchanged", made.id)
    (hook,) = await hooks(site)
    assert hook["isSigned"]
    assert {"jira:issue_created", "jira:issue_updated", "comment_created"} <= set(hook["events"])


async def test_without_a_configured_secret_one_is_made_and_told_once(
    make: Make, address: str, site: httpx.AsyncClient
) -> None:
    jira = make(address, webhook_secrets=[])
    made = await jira.connect(HOOK)
    assert len(made.secret) >= 32
    assert made.secret not in repr(made)
    assert (await jira.connect(HOOK)).secret == ""
    assert len(await hooks(site)) == 1


BROKEN: list[dict[str, Any]] = [
    {"enabled": False},
    {"events": ["jira:issue_created"]},
    {"filters": {"issue-related-events-section": "project = OPS"}},
]


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_webhook_that_somebody_changed_is_mended(
    jira: JiraConnector, site: httpx.AsyncClient, broken: dict[str, Any]
) -> None:
    made = await jira.connect(HOOK)
    await site.put(f"{ADMIN}/{made.id}", json=broken)
    assert (await jira.connect(HOOK)).state == "renewed"
    assert (await jira.connect(HOOK)).state == "unchanged"
    assert len(await hooks(site)) == 1


async def test_an_unsigned_webhook_of_the_same_address_gets_a_secret(
    make: Make, address: str, site: httpx.AsyncClient
) -> None:
    await site.post(ADMIN, json={"name": "by hand", "url": HOOK, "events": ["jira:issue_created"]})
    mended = await make(address, webhook_secrets=[]).connect(HOOK)
    assert mended.state == "renewed"
    assert mended.secret
    (hook,) = await hooks(site)
    assert hook["isSigned"]


async def test_the_webhook_tells_of_the_projects_that_are_polled(
    make: Make, address: str, site: httpx.AsyncClient
) -> None:
    await make(address, projects=["HELP", "OPS"]).connect(HOOK)
    (hook,) = await hooks(site)
    assert hook["filters"] == {"issue-related-events-section": "project in (HELP, OPS)"}


async def test_who_is_no_administrator_is_told_what_one_has_to_do(jira: JiraConnector, site: httpx.AsyncClient) -> None:
    await site.put("/sandbox/trouble", json={"denied": ["ADMINISTER"]})
    told = await jira.connect(HOOK)
    assert told.state == "manual"
    assert all(words in told.instructions for words in (HOOK, "comment_created", "webhook_secrets"))


async def test_a_registered_webhook_brings_signed_events(
    loopback: Loopback, jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    hub = Hub().here()
    await jira.connect(f"{loopback(hub.app)}/hook")
    await site.post("/rest/servicedeskapi/request/HELP-1/comment", json={"body": "still down"})
    delivery = await hub.next()
    assert jira.verify(delivery.headers, delivery.body) == delivery.key
    (event,) = jira.translate(delivery)
    assert event.type == "incident.commented"


async def test_a_webhook_is_told_only_what_its_filter_lets_through(
    loopback: Loopback, jira: JiraConnector, site: httpx.AsyncClient
) -> None:
    hub = Hub().here()
    url = f"{loopback(hub.app)}/hook"
    wanted = {"name": "n", "url": url, "events": ["jira:issue_updated"], "secret": "a-webhook-secret"}
    await site.post(ADMIN, json=wanted | {"filters": {"issue-related-events-section": "key = HELP-2"}})
    for key in ("HELP-1", "HELP-2"):
        await site.post(f"/rest/servicedeskapi/request/{key}/comment", json={"body": "no update"})
        await site.put(f"/rest/api/3/issue/{key}", json={"fields": {"summary": "changed"}})
    (event,) = jira.translate(await hub.next())
    assert event.reference is not None
    assert event.reference.number == "HELP-2"
    assert (await site.get("/sandbox/state")).json()["webhooks"]["waiting"] <= 1


async def test_data_center_keeps_the_secret_in_its_configuration_and_tells_comments_as_updates(
    jira_server: JiraConnector, server: str
) -> None:
    jira = jira_server
    made = await jira.connect(HOOK)
    assert (made.state, (await jira.connect(HOOK)).state) == ("made", "unchanged")
    async with httpx.AsyncClient(base_url=server, headers={"Authorization": "Bearer sandbox-token"}) as site:
        (hook,) = await hooks(site, SERVER)
        assert "SECRET" in hook["configuration"]
        assert not any(event.startswith("comment") for event in hook["events"])
        await site.put(f"{SERVER}/{hook['id']}", json={"active": False})
    assert (await jira.connect(HOOK)).state == "renewed"


async def test_data_centers_webhook_of_a_comment_is_one_event_with_its_issue(
    jira_server: JiraConnector, loopback: Loopback, server: str
) -> None:
    hub = Hub().here()
    jira = jira_server
    url = f"{loopback(hub.app)}/hook"
    async with httpx.AsyncClient(base_url=server, headers={"Authorization": "Bearer sandbox-token"}) as site:
        everything = {"EXCLUDE_BODY": "false", "SECRET": "a-webhook-secret"}
        await site.post(SERVER, json={"name": "all events", "url": url, "events": [], "configuration": everything})
        await site.post("/rest/servicedeskapi/request/HELP-1/comment", json={"body": "still down"})
    events = [event for _ in range(2) for event in jira.translate(await hub.next())]
    (event,) = events
    assert event.id == "comment:10001:created"
    assert event.incident is not None
    assert event.incident.title == "The shop does not answer"


def old_server() -> Any:
    """A Data Center of version 9, whose webhooks have no secrets."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    made: list[dict[str, Any]] = []

    async def permissions(_: Request) -> Response:
        return JSONResponse({"permissions": {"ADMINISTER": {"havePermission": True}}})

    async def info(_: Request) -> Response:
        return JSONResponse({"versionNumbers": [9, 12, 0]})

    async def admin(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(made)
        made.append(await request.json() | {"self": "http://old/rest/webhooks/1.0/webhook/5"})
        return JSONResponse(made[-1], 201)

    return Starlette(
        routes=[
            Route("/rest/api/2/mypermissions", permissions),
            Route("/rest/api/2/serverInfo", info),
            Route(ADMIN, admin, methods=["GET", "POST"]),
        ]
    )


async def test_a_server_that_signs_nothing_is_refused_unless_hints_will_do(make: Make, loopback: Loopback) -> None:
    address = loopback(old_server())
    with pytest.raises(Rejected, match="unsigned_hooks"):
        await make(address, **DATA_CENTER).connect(HOOK)
    jira = make(address, **DATA_CENTER, unsigned_hooks=True)
    states = [(await jira.connect(HOOK)).state for _ in range(2)]
    assert states == ["made", "unchanged"]


# with OAuth


async def test_a_dynamic_webhook_is_made_once_and_put_off_before_its_end(oauth: Callable[..., JiraConnector]) -> None:
    jira = oauth(unsigned_hooks=True)
    made = await jira.connect(HOOK)
    again = await jira.connect(HOOK)
    assert (made.state, again.state) == ("made", "renewed")
    assert made.id == again.id
    assert again.expires_at is not None
    assert timedelta(days=29) < again.expires_at - datetime.now(UTC) <= timedelta(days=30)


async def test_a_dynamic_webhook_that_does_not_fit_is_replaced(oauth: Callable[..., JiraConnector]) -> None:
    first = await oauth(unsigned_hooks=True, projects=["OPS"]).connect(HOOK)
    second = await oauth(unsigned_hooks=True).connect(HOOK)
    assert (second.state, second.id != first.id) == ("made", True)
    assert len(await oauth(unsigned_hooks=True)._registrations._dynamic_ones()) == 1


async def test_a_dynamic_webhook_near_its_end_is_found(
    oauth: Callable[..., JiraConnector], site: httpx.AsyncClient
) -> None:
    jira = oauth(unsigned_hooks=True)
    await site.put("/sandbox/trouble", json={"hook_days": 1})
    await jira.connect(HOOK)
    (amiss,) = [finding for finding in await jira.check() if not finding.ok]
    assert (amiss.subject, "ends at" in amiss.message) == ("webhook", True)


async def test_webhooks_of_oauth_are_refused_unless_hints_will_do(oauth: Callable[..., JiraConnector]) -> None:
    with pytest.raises(Rejected, match="does not sign"):
        await oauth().connect(HOOK)
    with pytest.raises(Rejected, match="projects"):
        await oauth(unsigned_hooks=True, projects=[]).connect(HOOK)


async def test_an_unsigned_webhook_tells_nothing_and_takes_no_signed_ones_place(
    oauth: Callable[..., JiraConnector], loopback: Loopback, site: httpx.AsyncClient
) -> None:
    hub = Hub().here()
    jira = oauth(unsigned_hooks=True)
    await jira.connect(f"{loopback(hub.app)}/hook")
    await site.put("/rest/api/3/issue/HELP-1", json={"fields": {"summary": "changed"}})
    delivery = await hub.next()
    assert jira.verify(delivery.headers, delivery.body) == f"hint:{delivery.key}"
    assert list(jira.translate(delivery)) == []
    with pytest.raises(Unauthorized):
        oauth().verify(delivery.headers, delivery.body)


async def test_a_webhook_that_ended_is_sent_no_more(
    oauth: Callable[..., JiraConnector], loopback: Loopback, site: httpx.AsyncClient
) -> None:
    hub = Hub().here()
    jira = oauth(unsigned_hooks=True)
    url = f"{loopback(hub.app)}/hook"
    await site.put("/sandbox/trouble", json={"hook_days": 0})
    await jira.connect(url)
    await site.put("/rest/api/3/issue/HELP-1", json={"fields": {"summary": "lost"}})
    await site.put("/sandbox/trouble", json={})
    assert (await jira.connect(url)).state == "renewed"
    await site.put("/rest/api/3/issue/HELP-1", json={"fields": {"summary": "told"}})
    assert b"told" in (await hub.next()).body
    assert len(hub.tried) == 1
