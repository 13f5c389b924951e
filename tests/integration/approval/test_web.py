"""Answers over HTTP: by the API, on the portal's pages, and by the link of a notification."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.approval.conftest import OS, Office

from firstline import settings
from firstline.access import Right, roll, token
from firstline.hub import Hub
from firstline.remediation.approval import void
from firstline.store.table import APPROVAL, now
from firstline.web.app import create_app

pytestmark = pytest.mark.anyio

OURS = {"Origin": "http://hub"}


@dataclass
class Web:
    """The application, asked as a program or as a browser."""

    hub: Hub
    office: Office
    http: httpx.AsyncClient

    def sign_in(self, name: str, *rights: Right) -> str:
        limits = rights or None
        return self.office.database.write_now(lambda c: token.give_token(c, name, by=OS, rights=limits))

    async def api(self, name: str, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.sign_in(name)}"}
        return await self.http.request(method, f"/api/v1/{path}", headers=headers, json=body)

    async def browse(self, name: str) -> None:
        """From now on the requests are of this person's browser."""
        self.http.cookies.clear()
        answer = await self.http.post("/sign-in", data={"token": self.sign_in(name)})
        assert answer.status_code == 303

    async def fields(self, path: str) -> dict[str, str]:
        """The hidden fields of the form on a page."""
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', (await self.http.get(path)).text))

    def link(self, asked: str, name: str) -> str:
        row = self.office.row(APPROVAL, id=asked)
        return self.hub.context.notifier.address(asked, row["plan_digest"], name, row["expires_at"])


@pytest.fixture
async def web(office: Office, tmp_path: Path) -> AsyncIterator[Web]:
    (tmp_path / "mappings").mkdir()
    toml = f'[hub]\ndatabase = "{office.database.url}"\nurl = "http://hub"\nenvironment = "prod"\n'
    (tmp_path / "firstline.toml").write_text(toml)
    hub = Hub(settings.load(tmp_path))  # never started: what an answer lets go stays where a test can see it
    transport = httpx.ASGITransport(app=create_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        yield Web(hub, office, http)
    hub._leases.close()
    hub.database.close()


async def test_the_api_lists_what_waits_for_me_shows_it_and_takes_my_answer(web: Web) -> None:
    office = web.office
    office.person("ann", groups=("sre-core",))
    office.person("bo")
    asked, written = office.ask("sre-core"), office.ask(runbook={"authors": ("ann",)})
    mine = (await web.api("ann", "GET", "approvals/mine")).json()["items"]
    assert [one["id"] for one in mine] == [asked]
    assert [one["id"] for one in (await web.api("bo", "GET", "approvals/mine")).json()["items"]] == [written]
    whole = (await web.api("ann", "GET", f"approvals/{asked}")).json()
    assert (whole["electors"], whole["giver"], whole["reason"]) == (["ann"], "ann", "")
    assert whole["steps"] == ["restart on shop: ./restart shop"]
    answer = await web.api(
        "ann", "POST", f"approvals/{asked}/approve", {"comment": "Fine.", "plan": whole["plan_digest"]}
    )
    assert answer.json() == {"id": asked, "state": "approved", "by": "ann", "approved": 1, "needed": 1}
    assert office.remediation(asked)["stage"] == "ready"
    assert (await web.api("ann", "GET", "approvals/mine")).json()["items"] == []


async def test_the_api_says_in_words_why_an_answer_is_not_taken(web: Web) -> None:
    office = web.office
    office.person("ann")
    office.person("bo", Right.SEE)
    office.person("cy", pack="billing")
    asked = office.ask()
    for name, path, body, status, words in (
        ("ann", f"approvals/{asked}/refuse", None, 422, "say why"),
        ("ann", f"approvals/{asked}/approve", {"plan": "0" * 64}, 409, "look at it again"),
        ("bo", f"approvals/{asked}/approve", None, 403, "bo may not approve for shop in prod"),
        ("bo", f"approvals/{asked}/approve", {"giver": "ann"}, 403, "ann has not delegated to bo"),
        ("cy", f"approvals/{asked}/approve", None, 404, "there is no approval"),
        ("ann", "approvals/x/approve", None, 404, "there is no approval x"),
    ):
        answer = await web.api(name, "POST", path, body)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert office.state(asked) == "waiting"
    assert len(office.told(asked, "not counted")) == 1
    assert (await web.http.post(f"/api/v1/approvals/{asked}/approve")).status_code == 401


async def test_who_stands_in_for_somebody_sees_and_answers_with_no_right_of_their_own(web: Web) -> None:
    office = web.office
    office.person("ann")
    office.person("bo", Right.SEE, pack="billing")
    office.delegate("ann", "bo")
    asked = office.ask()
    assert [one["id"] for one in (await web.api("bo", "GET", "approvals/mine")).json()["items"]] == [asked]
    assert (await web.api("bo", "POST", f"approvals/{asked}/approve")).status_code == 200
    assert office.votes(asked) == [("ann", "bo", "approved")]


async def test_a_page_lists_what_waits_and_its_form_takes_the_answer(web: Web) -> None:
    web.office.person("ann")
    asked = web.office.ask(incident={"title": "<script>alert(1)</script>"})
    await web.browse("ann")
    listed = await web.http.get("/approvals")
    assert f'href="/approvals/{asked}"' in listed.text
    shown = await web.http.get(f"/approvals/{asked}")
    assert "./restart shop" in shown.text
    assert "<script" not in listed.text + shown.text
    sent = {**await web.fields(f"/approvals/{asked}"), "verdict": "approve", "comment": "Go."}
    answer = await web.http.post(f"/approvals/{asked}", data=sent, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/approvals/{asked}")
    assert web.office.remediation(asked)["approved_by"] == "ann"
    assert "Let it go" not in (await web.http.get(f"/approvals/{asked}")).text


async def test_a_form_that_is_not_of_our_page_in_this_session_does_nothing(web: Web) -> None:
    web.office.person("ann")
    web.office.person("mallory")
    asked = web.office.ask()
    await web.browse("mallory")
    others = await web.fields(f"/approvals/{asked}")
    await web.browse("ann")
    own = {**await web.fields(f"/approvals/{asked}"), "verdict": "approve"}
    for sent, headers in (
        (own, {"Origin": "https://evil.example"}),
        (own, {"Origin": "null"}),
        (own, {}),
        ({**own, "seal": others["seal"]}, OURS),
        ({**own, "seal": ""}, OURS),
        ({"verdict": "approve"}, OURS),
    ):
        answer = await web.http.post(f"/approvals/{asked}", data=sent, headers=headers)
        assert answer.status_code == 403, (sent, headers)
    web.http.cookies.clear()
    assert (await web.http.post(f"/approvals/{asked}", data=own, headers=OURS)).status_code == 401
    assert web.office.votes(asked) == []


async def test_a_browser_sends_the_origin_that_is_asked_for(web: Web) -> None:
    web.office.person("ann")
    await web.browse("ann")
    # With `no-referrer` a browser sends `Origin: null`.
    assert (await web.http.get("/approvals")).headers["referrer-policy"] == "same-origin"


async def test_what_a_page_refuses_is_said_on_it(web: Web) -> None:
    office = web.office
    office.person("ann")
    asked, mine = office.ask(), office.ask(runbook={"authors": ("ann",)})
    await web.browse("ann")
    own = await web.fields(f"/approvals/{asked}")
    answer = await web.http.post(f"/approvals/{asked}", data={**own, "verdict": "refuse"}, headers=OURS)
    assert (answer.status_code, "a refusal needs a reason" in answer.text) == (422, True)
    assert "ann is an author of the runbook" in (await web.http.get(f"/approvals/{mine}")).text
    answer = await web.http.post(f"/approvals/{mine}", data={"verdict": "approve", "seal": own["seal"]}, headers=OURS)
    assert (answer.status_code, "ann is an author" in answer.text) == (403, True)
    assert (await web.http.get("/approvals/x")).status_code == 404


async def test_a_link_shows_the_plan_and_only_its_form_answers(web: Web) -> None:
    web.office.person("ann")
    asked = web.office.ask()
    link = web.link(asked, "ann")
    for _ in range(2):  # a mail scanner follows it, too
        shown = await web.http.get(link)
        assert (shown.status_code, "./restart shop" in shown.text) == (200, True)
    assert web.office.votes(asked) == []
    sent = {**await web.fields(link), "verdict": "refuse", "comment": "Not now."}
    assert (await web.http.post(link, data=sent)).status_code == 200
    assert (web.office.state(asked), web.office.votes(asked)) == ("refused", [("ann", "ann", "refused")])
    (told,) = web.office.told(asked, "refused")
    assert told["facts"]["way"] == "link"
    again = await web.http.post(link, data={**sent, "verdict": "approve"})
    assert (again.status_code, "refused already by ann" in again.text) == (409, True)


async def test_a_link_is_good_for_its_person_plan_and_time_alone(web: Web) -> None:
    office = web.office
    office.person("ann")
    office.person("bo")
    asked, drifted = office.ask(), office.ask()
    link, row = web.link(asked, "ann"), office.row(APPROVAL, id=asked)
    late = web.hub.context.notifier.address(asked, row["plan_digest"], "ann", now() - timedelta(seconds=1))
    other = web.hub.context.notifier.address(asked, "0" * 64, "ann", row["expires_at"])
    sent = {"verdict": "approve"}
    for address, status in ((link.replace(".ann.", ".bo."), 403), (late, 403), (other, 409), (f"{link}0", 403)):
        assert (await web.http.post(address, data=sent)).status_code == status
    voided = web.link(drifted, "ann")
    office.database.write_now(lambda c: void(c, office.remediation(drifted)["id"], "targets: a is now b"))
    answer = await web.http.post(voided, data=sent)
    assert (answer.status_code, "the plan has changed" in answer.text) == (409, True)
    office.database.write_now(lambda c: roll.turn_off(c, "ann", by=OS))
    assert (await web.http.post(link, data=sent)).status_code == 403
    assert (office.votes(asked), office.votes(drifted)) == ([], [])
