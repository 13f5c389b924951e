"""`firstline connect`: the webhook subscription is made once, found again, and mended."""

from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import SandboxSettings
from firstline.errors import Rejected, Unavailable
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.registration import EVENTS
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
HOOK = "https://hub.example/hooks/pd"


async def subscriptions(sandbox: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await sandbox.state())["webhook_subscriptions"]
    return found


async def test_it_is_made_with_what_we_need_and_its_secret_told(connect: Connect, sandbox: Any) -> None:
    made = await connect(sandbox.address).connect(HOOK)
    (found,) = await subscriptions(sandbox)
    assert (made.state, made.id, made.expires_at) == ("made", found["id"], None)
    assert len(made.secret) == 64
    assert "webhook_secrets" in made.instructions
    assert set(found["events"]) == EVENTS
    assert (found["delivery_method"]["url"], found["filter"]) == (HOOK, {"type": "account_reference"})


async def test_the_secret_is_not_shown_by_accident(connect: Connect, sandbox: Any) -> None:
    made = await connect(sandbox.address).connect(HOOK)
    assert made.secret not in repr(made)


async def test_what_it_brings_is_let_in_with_its_secret(
    connect: Connect, sandbox: Any, hook: Any, loopback: Any
) -> None:
    address = loopback(hook.app()) + "/hook"
    await connect(sandbox.address).connect(address)
    await sandbox.change(status="acknowledged")
    (delivery,) = await hook.bodies(1)
    (event,) = connect().translate(delivery)
    assert event.type == "incident.acknowledged"


@pytest.mark.parametrize(
    ("settings", "filter_"),
    [
        ({"service_id": "PSHOP01"}, {"type": "service_reference", "id": "PSHOP01"}),
        ({"team_id": "PTEAM"}, {"type": "team_reference", "id": "PTEAM"}),
    ],
)
async def test_it_covers_what_the_connection_covers(
    connect: Connect, sandbox: Any, settings: dict[str, str], filter_: dict[str, str]
) -> None:
    await connect(sandbox.address).connect(HOOK)
    assert (await connect(sandbox.address, **settings).connect(HOOK)).state == "renewed"
    (found,) = await subscriptions(sandbox)
    assert found["filter"] == filter_


async def test_called_again_it_leaves_all_as_it_is(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    made = await connector.connect(HOOK)
    writes = await sandbox.writes()
    again = await connector.connect(HOOK)
    assert (again.state, again.id, again.secret) == ("unchanged", made.id, "")
    assert await sandbox.writes() == writes


async def test_the_ones_of_others_are_left_alone(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    await connector.connect("https://other.example/hooks/pd")
    others = await subscriptions(sandbox)
    assert (await connector.connect(HOOK)).state == "made"
    assert (await subscriptions(sandbox))[0] == others[0]


async def test_the_one_on_a_later_page_is_found(
    connect: Connect, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstline_pagerduty.registration.PAGE", 2)
    connector = connect(sandbox.address)
    for number in range(5):
        await connector.connect(f"https://other{number}.example/hooks/pd")
    assert (await connector.connect("https://other4.example/hooks/pd")).state == "unchanged"


async def test_events_that_are_missing_are_added_and_others_kept(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    made = await connector.connect(HOOK)
    body = {"webhook_subscription": {"events": ["incident.triggered", "service.created"], "active": False}}
    await sandbox.request("PUT", f"/webhook_subscriptions/{made.id}", body)
    assert (await connector.connect(HOOK)).state == "renewed"
    (found,) = await subscriptions(sandbox)
    assert set(found["events"]) == EVENTS | {"service.created"}
    assert found["active"]


async def test_a_disabled_one_is_enabled(connect: Connect, sandbox: Any) -> None:
    connector = connect(sandbox.address)
    made = await connector.connect(HOOK)
    await sandbox.request("POST", f"/sandbox/subscriptions/{made.id}/disable")
    assert (await connector.connect(HOOK)).state == "renewed"
    (found,) = await subscriptions(sandbox)
    assert not found["delivery_method"]["temporarily_disabled"]


async def test_after_a_lost_answer_there_is_one(
    connect: Connect, loopback: Any, breaking: Any, at: Any, seed: dict[str, Any]
) -> None:
    address = loopback(breaking(create_app(SandboxSettings(seed=seed))))
    connector = connect(address)
    with pytest.raises(Unavailable):
        await connector.connect(HOOK)
    assert (await connector.connect(HOOK)).state == "unchanged"
    assert len(await subscriptions(at(address))) == 1


async def test_a_change_that_was_taken_and_not_made_is_rejected(connect: Connect, loopback: Any, vendor: Any) -> None:
    method = {"url": HOOK, "temporarily_disabled": True}
    found = {"id": "P1", "delivery_method": method, "events": sorted(EVENTS), "filter": {"type": "account_reference"}}
    fake = vendor((200, {"webhook_subscriptions": [found]}), (200, {}), (200, {"webhook_subscription": found}))
    with pytest.raises(Rejected, match="disabled"):
        await connect(loopback(fake)).connect(HOOK)


async def test_a_key_that_may_not_make_one_is_told_so(connect: Connect, loopback: Any) -> None:
    address = loopback(create_app(SandboxSettings(seed={"read_only": True})))
    with pytest.raises(Rejected, match="Access Denied"):
        await connect(address).connect(HOOK)
