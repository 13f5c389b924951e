"""Plans and modes over the API: to look needs the right to see, and to give more needs the right to govern."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.integration.course.stage import Make, Stage

from firstline.access import Right, make_token
from firstline.web.app import create_app

pytestmark = pytest.mark.anyio

Ask = Callable[..., Awaitable[httpx.Response]]
REFERENCE = {"connection": "pagerduty", "kind": "incident", "id": "P1"}


def told(**incident: Any) -> dict[str, Any]:
    named = {"reference": REFERENCE, "title": "shop does not answer", "service": "shop", **incident}
    return {"type": "incident.opened", "incident": named}


@pytest.fixture
def ask() -> Ask:
    """`await ask(shop, path, body, *rights)` asks the API as somebody with these rights."""

    async def asked(shop: Stage, path: str, body: Any, *rights: Right) -> httpx.Response:
        token = shop.hub.database.write_now(lambda c: make_token(c, f"some-{len(rights)}", list(rights)))
        transport = httpx.ASGITransport(create_app(shop.hub))
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
            return await client.post(f"/api/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"})

    return asked


async def test_a_plan_is_shown_and_nothing_is_run(stage: Make, ask: Ask) -> None:
    shop = await stage()
    answer = await ask(shop, "plans", told(), Right.SEE)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["targets"], shown["change"]) == (["shop"], "standard, Restart web process, in firstline, on shop")
    assert (shop.runs(), shop.rows()) == (0, [])


@pytest.mark.parametrize("incident", [{"service": ""}, {"title": "all is well"}])
async def test_an_event_that_leads_to_no_plan_is_answered_with_the_reason(
    stage: Make, ask: Ask, incident: dict[str, str]
) -> None:
    answer = await ask(await stage(), "plans", told(**incident), Right.SEE)
    assert answer.status_code == 422
    assert "there is no plan" in json.dumps(answer.json())


async def test_who_may_not_see_is_shown_no_plan(stage: Make, ask: Ask) -> None:
    assert (await ask(await stage(), "plans", told(), Right.WRITE)).status_code == 403


async def test_who_may_not_govern_promotes_nothing(stage: Make, ask: Ask) -> None:
    shop = await stage(mode="approve")
    wanted = {"mode": "auto", "reason": "I like it"}
    assert (await ask(shop, "modes/shop/mend", wanted, Right.SEE, Right.APPROVE)).status_code == 403


async def test_a_promotion_without_a_record_says_what_is_missing(stage: Make, ask: Ask) -> None:
    shop = await stage(mode="approve")
    answer = await ask(shop, "modes/shop/mend", {"mode": "auto", "reason": "I like it"}, *Right)
    assert answer.status_code == 409
    assert "needs 10 verified successes" in json.dumps(answer.json())


async def test_a_mode_is_taken_with_a_reason(stage: Make, ask: Ask) -> None:
    shop = await stage()
    answer = await ask(shop, "modes/shop/mend", {"mode": "observe", "reason": "The shop moves."}, *Right)
    assert (answer.json()["counts"], answer.json()["declares"]) == ("observe", "auto")
    assert "The shop moves." in answer.json()["why"]
