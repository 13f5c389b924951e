"""The guards over HTTP: who may see, stop, lift and override, and what they are told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import pytest
from tests.integration.guard.conftest import HOUR, World

from firstline import settings
from firstline.access import Right, token
from firstline.guard import Window, Windows
from firstline.hub import Hub
from firstline.store.table import REMEDIATION, now
from firstline.web.app import create_app

pytestmark = pytest.mark.anyio


@dataclass
class Web:
    """A hub whose loops do not run, asked as somebody."""

    world: World
    hub: Hub
    http: httpx.AsyncClient

    async def ask(self, name: str, method: str, path: str, body: Any = None) -> httpx.Response:
        given = self.world.database.write_now(lambda connection: token.give_token(connection, name, by="os:root"))
        headers = {"Authorization": f"Bearer {given}"}
        return await self.http.request(method, f"/api/v1/{path}", headers=headers, json=body)


@pytest.fixture
async def web(small: World, tmp_path: Any) -> AsyncIterator[Web]:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "firstline.toml").write_text(f'[hub]\ndatabase = "{small.database.url}"\nenvironment = "prod"\n')
    hub = Hub(settings.load(tmp_path))
    hub.calendars.windows = Windows()
    small.now = now()
    small.person("ann", Right.SEE, Right.GOVERN)
    small.person("bob", Right.SEE, Right.GOVERN, pack="shop")
    small.person("eve", Right.SEE, pack="net")
    transport = httpx.ASGITransport(create_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", trust_env=False) as client:
        yield Web(small, hub, client)
    with anyio.CancelScope(shield=True):
        await hub.close()


async def test_why_a_remediation_is_held_is_told_to_who_may_see_it(web: Web) -> None:
    case = web.world.case("web1")
    web.hub.calendars.windows = Windows([Window("freeze", "Christmas", now() - HOUR, now() + HOUR)])
    web.world.throw("service:shop")
    answer = await web.ask("bob", "GET", f"remediations/{case.id}/guards")
    said = {each["guard"]: [hold["why"] for hold in each["holds"]] for each in answer.json()["guards"]}
    assert "fire drill" in said["switch"][0]
    assert "Christmas" in said["freeze"][0]
    assert said["lock"] == []
    assert (await web.ask("eve", "GET", f"remediations/{case.id}/guards")).status_code == 404


async def test_of_one_that_has_ended_it_is_told_how(web: Web) -> None:
    case = web.world.case("web1")
    web.world.end(case, "failed")
    answer = (await web.ask("ann", "GET", f"remediations/{case.id}/guards")).json()
    assert (answer["outcome"], answer["guards"]) == ("failed", [])


async def test_a_switch_is_thrown_and_lifted_by_who_governs_and_with_a_reason(web: Web) -> None:
    case = web.world.case("web1")
    asked = {"scope": "runbook:shop/restart", "reason": "it deletes too much"}
    assert (await web.ask("eve", "POST", "guards/stop", asked)).status_code == 403
    assert (await web.ask("bob", "POST", "guards/stop", {**asked, "scope": "all"})).status_code == 403
    assert (await web.ask("bob", "POST", "guards/stop", {**asked, "reason": ""})).status_code == 422
    assert (await web.ask("bob", "POST", "guards/stop", asked)).json() == {"scope": asked["scope"], "thrown": True}
    assert web.world.holding(case) == ["switch"]
    assert (await web.ask("bob", "POST", "guards/stop", asked)).status_code == 409
    assert (await web.ask("bob", "POST", "guards/lift", asked)).json() == {"scope": asked["scope"], "thrown": False}
    assert web.world.holding(case) == []
    acts = [(one["act"], one["by"]) for one in web.world.told("switch:runbook:shop/restart")]
    assert acts == [("thrown", "bob"), ("lifted", "bob")]


async def test_an_override_is_for_who_governs_the_remediation_s_pack(web: Web) -> None:
    case = web.world.case("web1")
    path, because = f"remediations/{case.id}/override", {"reason": "the shop is down"}
    web.world.person("fay", Right.SEE, Right.APPROVE)
    web.world.person("gus", Right.SEE)
    assert (await web.ask("fay", "POST", path, because)).status_code == 403
    assert (await web.ask("eve", "POST", path, because)).status_code == 403
    answer = await web.ask("bob", "POST", path, because)
    assert (answer.json()["by"], answer.json()["plan_digest"]) == ("bob", case.row["plan_digest"])
    [row] = web.world.rows(REMEDIATION)
    assert row["override"]["reason"] == "the shop is down"
    web.world.end(case)
    assert (await web.ask("bob", "POST", path, because)).status_code == 409


async def test_the_overview_shows_what_is_of_everybody_and_what_one_may_see(web: Web) -> None:
    web.hub.calendars.windows = Windows([Window("freeze", "Christmas", now() - HOUR, now() + HOUR)], faults=["x.ics:1"])
    web.world.throw("service:other")
    assert web.world.holding(web.world.case("web1")) == []
    for _ in range(3):
        web.world.end(web.world.case("web2"), "failed")
    seen = {name: (await web.ask(name, "GET", "guards")).json() for name in ("bob", "eve")}
    for shown in seen.values():
        assert [each["scope"] for each in shown["switches"]] == ["service:other"]
        assert [each["name"] for each in shown["windows"]] == ["Christmas"]
        assert shown["faults"] == ["x.ics:1"]
    assert [each["target"] for each in seen["bob"]["locks"]] == ["web1"]
    assert [each["stage"] for each in seen["bob"]["breakers"]] == ["open"]
    assert (seen["eve"]["locks"], seen["eve"]["breakers"]) == ([], [])
