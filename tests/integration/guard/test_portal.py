"""The portal's pages about what holds remediations, and its kill switches; and the way in and out."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import HOUR, World

from firstline import settings
from firstline.access import Right, token
from firstline.guard import Hold, Window, Windows
from firstline.hub import Hub
from firstline.store.table import LEDGER, REMEDIATION, SWITCH, CheckpointRow, now
from firstline.web.app import create_app

pytestmark = pytest.mark.anyio

OURS = {"Origin": "http://hub"}
PAGES = ("/remediations", "/approvals", "/guards", "/changes")


@dataclass
class Web:
    """A hub whose loops do not run, and one person's browser."""

    world: World
    hub: Hub
    http: httpx.AsyncClient

    def token(self, name: str) -> str:
        return self.world.database.write_now(lambda connection: token.give_token(connection, name, by="os:root"))

    async def browse(self, name: str, **more: str) -> httpx.Response:
        self.http.cookies.clear()
        return await self.http.post("/sign-in", data={"token": self.token(name), **more}, headers=OURS)

    async def seal(self) -> str:
        found = re.search(r'name="seal" value="(\w+)"', (await self.http.get("/guards")).text)
        assert found
        return found[1]

    async def act(self, act: str, scope: str, reason: str = "fire drill", **headers: str) -> httpx.Response:
        sent = {"act": act, "scope": scope, "reason": reason, "seal": await self.seal()}
        return await self.http.post("/guards", data=sent, headers={**OURS, **headers})

    def thrown(self) -> list[str]:
        return [row["scope"] for row in self.world.rows(SWITCH)]


@pytest.fixture
async def web(small: World, tmp_path: Any) -> AsyncIterator[Web]:
    (tmp_path / "mappings").mkdir()
    toml = f'[hub]\ndatabase = "{small.database.url}"\nurl = "http://hub"\nenvironment = "prod"\n'
    (tmp_path / "firstline.toml").write_text(toml)
    hub = Hub(settings.load(tmp_path))
    hub.calendars.windows = Windows()
    small.now = now()
    small.person("ann", Right.SEE, Right.GOVERN)
    small.person("bob", Right.SEE, Right.GOVERN, pack="shop")
    small.person("eve", Right.SEE, Right.GOVERN, pack="net")
    small.person("fay", Right.SEE)
    small.person("gus", Right.RUN)
    transport = httpx.ASGITransport(create_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", trust_env=False) as client:
        yield Web(small, hub, client)
    with anyio.CancelScope(shield=True):
        await hub.close()


def held(web: Web, **values: Any) -> str:
    """A remediation that is held, by a hold with words that want to be markup."""
    case = web.world.case("web1<img>")
    hold = Hold(guard="freeze", why="<script>alert(1)</script>", until=now() + HOUR, mend="Wait for <b>Monday</b>.")
    row = {"holds": [hold.model_dump(mode="json")], "reason": hold.why, **values}
    web.world.do(sa.update(REMEDIATION).where(REMEDIATION.c.id == case.id).values(**row))
    return case.id


async def test_the_page_of_guards_shows_what_is_stopped_frozen_and_held(web: Web) -> None:
    case = held(web)
    web.world.throw("service:<i>shop</i>")
    web.hub.calendars.windows = Windows([Window("freeze", "<u>Sale</u>", now() - HOUR, now() + HOUR)])
    await web.browse("fay")
    page = (await web.http.get("/guards")).text
    for words in (
        "service:&lt;i&gt;shop",
        "fire drill",
        "&lt;u&gt;Sale",
        "&lt;script&gt;alert(1)",
        f"/remediations/{case}",
    ):
        assert words in page, words
    assert not re.search("<(script|i|u|b|img)>", page)
    assert "<form" not in page.partition("<main")[2]  # fay only sees


async def test_who_governs_stops_and_lifts_by_the_page(web: Web) -> None:
    await web.browse("ann")
    answer = await web.act("stop", "all")
    assert (answer.status_code, answer.headers["location"], web.thrown()) == (303, "/guards", ["all"])
    assert (await web.act("lift", "all", "")).status_code == 422
    assert web.thrown() == ["all"]
    assert (await web.act("lift", "all", "it is over")).status_code == 303
    assert web.thrown() == []
    told = [(one["act"], one["by"], one["text"]) for one in web.world.told("switch:all")]
    assert told == [("thrown", "ann", "fire drill"), ("lifted", "ann", "it is over")]


async def test_what_can_t_be_stopped_is_said_on_the_page_and_nothing_is_lost(web: Web) -> None:
    await web.browse("bob")
    for scope, reason, status, words in (
        ("all", "drill", 403, "bob may not govern all"),
        ("runbook:net/x", "drill", 403, "bob may not govern runbook:net/x"),
        ("runbook:shop/x", "", 422, "say what to stop or lift, and why"),
        ("", "drill", 422, "say what to stop or lift, and why"),
    ):
        answer = await web.act("stop", scope, reason)
        assert (answer.status_code, words in answer.text) == (status, True), scope
        assert f'value="{reason}"' in answer.text
    assert (await web.act("stop", "runbook:shop/x")).status_code == 303
    assert (await web.act("stop", "runbook:shop/x")).status_code == 409
    assert (await web.act("burn", "runbook:shop/x")).status_code == 422
    assert web.thrown() == ["runbook:shop/x"]


async def test_a_kill_switch_is_moved_by_our_own_page_alone(web: Web) -> None:
    await web.browse("bob")
    others = await web.seal()
    await web.browse("ann")
    for origin in ("https://evil.example", "null", "http://hub.evil.example", ""):
        assert (await web.act("stop", "all", Origin=origin)).status_code == 403, origin
    sent = {"act": "stop", "scope": "all", "reason": "x"}
    for seal in (others, "", "é"):
        assert (await web.http.post("/guards", data={**sent, "seal": seal}, headers=OURS)).status_code == 403
    web.http.cookies.clear()
    assert (await web.http.post("/guards", data={**sent, "seal": others}, headers=OURS)).status_code == 401
    assert web.thrown() == []


async def test_of_a_pack_that_is_not_theirs_nobody_sees_anything(web: Web) -> None:
    case = held(web)
    web.world.admit(other := web.world.case("web2"))
    web.world.throw("runbook:shop/secret")
    web.world.end(web.world.case("web3"), "failed")
    await web.browse("eve")
    for path in (*PAGES, "/api/v1/guards"):
        page = (await web.http.get(path)).text
        for word in ("shop", case, other.id, "web1", "web2", "secret"):
            assert word not in page, (path, word)
    answer = await web.act("lift", "runbook:net/x")
    assert (answer.status_code, "secret" in answer.text) == (409, False)
    for id_ in (case, "0" * 32):
        answer = await web.http.get(f"/remediations/{id_}")
        assert (answer.status_code, "There is no such remediation" in answer.text) == (404, True)


async def test_a_held_remediation_says_why_until_when_and_what_to_do(web: Web) -> None:
    case = held(web)
    await web.browse("fay")
    page = (await web.http.get(f"/remediations/{case}")).text
    for words in (
        "Held by",
        "<strong>freeze</strong>",
        "&lt;script&gt;alert(1)",
        "What to do: Wait for &lt;b&gt;Monday",
    ):
        assert words in page, words
    assert f"{now() + HOUR:%Y-%m-%d}" in page
    listed = (await web.http.get("/remediations")).text
    assert 'class="held">held' in listed
    assert "<script>" not in page + listed


async def test_a_title_turns_nothing_round_on_the_page(web: Web) -> None:
    case = web.world.case("web1")
    incident = {**case.incident.model_dump(mode="json"), "title": "\u202eelif a\x1b[31m"}
    web.world.do(sa.update(REMEDIATION).values(incident=incident))
    await web.browse("fay")
    for path in ("/remediations", f"/remediations/{case.id}"):
        assert r"\u202eelif a\x1b[31m" in (await web.http.get(path)).text


async def test_a_vendor_s_address_is_a_link_only_where_it_leads_to_a_page(web: Web) -> None:
    case = web.world.case("web1")
    await web.browse("fay")
    for url, is_link in (
        ("https://now.example/INC1?a=1&b=2", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ('https://now.example/"onclick="alert(1)', True),
    ):
        change = {"connection": "servicenow", "kind": "change", "id": "c", "number": "CHG7", "url": url}
        web.world.do(sa.update(REMEDIATION).values(change=change))
        page = (await web.http.get(f"/remediations/{case.id}")).text
        assert (
            f'<a href="{html.escape(url)}" rel="noreferrer">CHG7</a>' in page.replace("&#34;", "&quot;")
        ) == is_link, url
        assert ("javascript:" in page, "CHG7 in servicenow" in page) == (False, not is_link), url


async def test_an_emergency_that_nobody_has_approved_yet_is_not_shown_as_settled(web: Web) -> None:
    case = web.world.case("web1")
    await web.browse("fay")
    for stage, waits in (("following", True), ("ended", False)):
        web.world.do(sa.update(REMEDIATION).values(stage=stage, outcome="proved", ended_at=now()))
        listed, page = [(await web.http.get(f"/remediations{id_}")).text for id_ in ("", f"/{case.id}")]
        assert "mended, and proved" in listed
        assert ("its emergency change waits for an approval" in listed) == waits
        assert ("its change still waits for an approval" in page) == waits


async def test_who_let_it_past_its_holds_and_whether_that_counts_still_is_said(web: Web) -> None:
    case = web.world.case("web1")
    chief = web.world.person("chief", Right.GOVERN)
    web.world.override(case, chief, "the <b>shop</b> is down")
    await web.browse("fay")
    page = (await web.http.get(f"/remediations/{case.id}")).text
    assert "chief let it past what held it" in page
    assert "the &lt;b&gt;shop&lt;/b&gt; is down" in page
    assert "does not count" not in page
    web.world.do(sa.update(REMEDIATION).values(plan_digest="another"))
    assert "it does not count any more" in (await web.http.get(f"/remediations/{case.id}")).text


async def test_its_place_in_the_ledger_and_its_evidence_are_a_link_away(web: Web) -> None:
    case = web.world.case("web1")
    web.world.override(case, web.world.person("chief", Right.GOVERN))
    await web.browse("bob")
    page = (await web.http.get(f"/remediations/{case.id}")).text
    assert "1 wait for their place in it" in page
    web.world.do(sa.update(LEDGER).where(LEDGER.c.subject == case.id).values(position=41))
    web.world.put(CheckpointRow(size=50, note="n", at=now()))
    page = (await web.http.get(f"/remediations/{case.id}")).text
    assert "the last as entry 41, under the checkpoint of 50 entries" in page
    assert (await web.http.get(f"/api/v1/ledger?subject={case.id}")).json()["items"][0]["act"] == "overridden"
    assert f"/api/v1/remediations/{case.id}/evidence" in page  # bob governs its pack
    web.world.person("hal", Right.SEE, pack="shop")
    await web.browse("hal")
    assert "/evidence" not in (await web.http.get(f"/remediations/{case.id}")).text


async def test_who_follows_a_link_comes_back_to_it_after_signing_in(web: Web) -> None:
    case = web.world.case("web1")
    asked = await web.http.get(f"/remediations/{case.id}")
    assert asked.headers["location"] == f"/sign-in?to=/remediations/{case.id}"
    form = (await web.http.get(asked.headers["location"])).text
    assert f'name="to" value="/remediations/{case.id}"' in form
    answer = await web.browse("fay", to=f"/remediations/{case.id}")
    assert answer.headers["location"] == f"/remediations/{case.id}"


async def test_signing_in_leads_nowhere_else(web: Web) -> None:
    for to in ("https://evil.example", "//evil.example", "/\\evil.example", "/guards/../..//evil", "", "evil"):
        assert (await web.browse("fay", to=to)).headers["location"] == "/remediations"
        assert "evil" not in (await web.http.get("/sign-in", params={"to": to})).text


async def test_the_cookie_is_for_this_hub_s_pages_alone_and_signing_out_forgets_it(web: Web) -> None:
    for origin in ("https://evil.example", "null"):
        answer = await web.http.post("/sign-in", data={"token": web.token("eve")}, headers={"Origin": origin})
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    given = (await web.browse("fay")).headers["set-cookie"].lower()
    assert all(flag in given for flag in ("httponly", "samesite=strict", "path=/", "max-age=43200"))
    await web.http.post("/sign-out", headers={"Origin": "https://evil.example"})
    assert (await web.http.get("/guards")).status_code == 200
    await web.http.post("/sign-out", headers=OURS)
    assert (await web.http.get("/guards")).status_code == 303


async def test_who_may_nothing_is_told_so_and_not_sent_round_in_circles(web: Web) -> None:
    await web.browse("gus")
    for path in ("/remediations", "/guards", "/changes"):
        answer = await web.http.get(path)
        assert (answer.status_code, "Nothing here is yours to see" in answer.text) == (403, True)


async def test_no_page_lets_in_a_script_or_a_style_that_is_not_ours(web: Web) -> None:
    await web.browse("ann")
    for path in (*PAGES, "/sign-in", "/remediations/x", "/answer/x"):
        answer = await web.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script|<style[^>]+|\sstyle=|\son\w+=|javascript:", answer.text), path
        assert answer.headers["cache-control"] == "no-store"
        assert [len(re.findall(each, answer.text)) for each in ("<h1", "<main", "<title>")] == [1, 1, 1], path
        named = set(re.findall(r'<label for="([^"]+)"', answer.text))
        assert set(re.findall(r'<input id="([^"]+)"', answer.text)) == named, path
