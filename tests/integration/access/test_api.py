"""The API and the portal, by the eyes of people who may different things. The hub's loops do not run: they are asked
for nothing here."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest
import sqlalchemy as sa
from tests.integration.access.conftest import Do

from firstline import settings
from firstline.access import Right, grant, group, make_token, roll, token
from firstline.hub import Hub
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import (
    DECISION,
    EVENT,
    LEDGER,
    REMEDIATION,
    WRITE_BACK,
    DecisionRow,
    EventRow,
    RemediationRow,
    WriteBackRow,
    now,
)
from firstline.web.app import create_app

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("crew")]

PLACES = (("shop", "prod"), ("net", "prod"), ("shop", "test"))
REFERENCE = {"connection": "jira", "kind": "issue", "id": "1"}

Call = Callable[..., Any]


@pytest.fixture(scope="session")
def hub(one_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "mappings").mkdir()
    url = one_database.url.render_as_string(hide_password=False)
    Path(folder / "firstline.toml").write_text(f'[hub]\ndatabase = "{url}"\nenvironment = "prod"\n')
    made = Hub(settings.load(folder))
    yield made
    anyio.run(made.close)


@pytest.fixture
async def http(hub: Hub, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    with database.engine.begin() as connection:
        for table in (REMEDIATION, EVENT, DECISION, WRITE_BACK):
            connection.execute(sa.delete(table))
    transport = httpx.ASGITransport(create_app(hub))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub", trust_env=False) as client:
        yield client


@pytest.fixture
def call(http: httpx.AsyncClient, do: Do) -> Call:
    """`await call("ann", "GET", "me")`: as the person, by a token of theirs."""
    tokens: dict[str, str] = {}

    async def send(name: str, method: str, path: str, body: Any = None) -> httpx.Response:
        if name not in tokens:
            tokens[name] = do(token.give_token, name)
        headers = {"Authorization": f"Bearer {tokens[name]}"}
        return await http.request(method, f"/api/v1/{path}", headers=headers, json=body)

    return send


@pytest.fixture
def chief(database: Database) -> str:
    database.write_now(lambda c: make_token(c, "chief", list(Right)))
    return "chief"


def happen(database: Database) -> None:
    """In each place an event was decided, and led to a remediation with a write; one event matched nothing."""
    rows: list[Any] = []
    for pack, environment in (*PLACES, ("", "")):
        name = f"{pack}-{environment}"
        event = EventRow(connection="jira", event_id=name, delivery_id="d", type="incident.opened", event={})
        event.occurred_at = now()
        mapping = f"{pack}/mend" if pack else ""
        rows += [event, DecisionRow(event_id=event.id, outcome="matched", mapping=mapping)]
        if pack:
            rows += _remediation(name, event.id, pack, environment)
    database.write_now(lambda c: insert(c, *rows))


def _remediation(name: str, event_id: str, pack: str, environment: str) -> list[Any]:
    incident = {"reference": REFERENCE, "title": f"fault of {name}"}
    remediation = RemediationRow(
        id=name,
        event_id=event_id,
        connection="jira",
        environment=environment,
        mapping=f"{pack}/mend",
        pack=pack,
        mode="approve",
        incident=incident,
        plan={},
        plan_digest="d",
        stage="ended",
    )
    write = WriteBackRow(
        remediation_id=name,
        connection="jira",
        record="1",
        key=name,
        act="note",
        reference=REFERENCE,
        body={},
        state="parked",
    )
    return [remediation, write]


async def seen(call: Call, name: str) -> dict[str, list[str]]:
    """What a person's lists show."""
    keys = {"remediations": "id", "write-backs": "remediation_id", "events": "event_id", "decisions": "mapping"}
    found = {path: (await call(name, "GET", path)).json()["items"] for path in keys}
    return {path: sorted(each[key] for each in found[path]) for path, key in keys.items()}


async def test_everybody_is_told_who_they_are_and_what_they_may(call: Call) -> None:
    me = (await call("ann", "GET", "me")).json()
    assert (me["name"], me["groups"], me["limits"]) == ("ann", ["sre"], None)
    assert {(each["right"], each["pack"], each["holder"]) for each in me["grants"]} == {
        ("see", "shop", "group:sre"),
        ("approve", "shop", "group:sre"),
    }


async def test_lists_show_what_a_person_may_see_and_nothing_else(database: Database, do: Do, call: Call) -> None:
    happen(database)
    do(grant.grant, "person:cas", [Right.SEE], pack="shop", environment="prod")
    assert await seen(call, "cas") == {
        "remediations": ["shop-prod"],
        "write-backs": ["shop-prod"],
        "events": ["shop-prod", "shop-test"],  # of the mapping's pack; the hub's environment is prod
        "decisions": ["shop/mend", "shop/mend"],
    }
    do(grant.grant, "person:cas", [Right.SEE], environment="test")
    assert (await seen(call, "cas"))["remediations"] == ["shop-prod", "shop-test"]
    do(grant.grant, "person:cas", [Right.SEE], environment="prod")
    everything = await seen(call, "cas")
    assert everything["remediations"] == ["net-prod", "shop-prod", "shop-test"]
    assert "-" in everything["events"]  # what no mapping matched is of no pack


async def test_a_pack_of_another_case_is_another_pack(database: Database, do: Do, call: Call) -> None:
    happen(database)
    do(grant.grant, "person:cas", [Right.SEE], pack="SHOP")
    assert not any((await seen(call, "cas")).values())


async def test_what_a_person_may_not_see_is_not_there_for_them(database: Database, call: Call) -> None:
    happen(database)
    for path in ("remediations/net-prod", "remediations/net-prod/log"):
        assert (await call("ann", "GET", path)).status_code == 404, path
    assert (await call("ann", "GET", "deliveries")).status_code == 403


async def test_who_governs_one_pack_acts_on_no_other(database: Database, do: Do, call: Call) -> None:
    happen(database)
    do(grant.grant, "person:cas", [Right.SEE])
    do(grant.grant, "person:cas", [Right.GOVERN], pack="shop")
    writes = {each["remediation_id"]: each["id"] for each in (await call("cas", "GET", "write-backs")).json()["items"]}
    why = {"reason": "not needed"}
    answers = {
        place: (await call("cas", "POST", f"write-backs/{key}/discard", why)).status_code
        for place, key in writes.items()
    }
    assert answers == {"shop-prod": 200, "shop-test": 200, "net-prod": 403}
    assert (await call("cas", "POST", "connections/jira/resume")).status_code == 403


async def test_rights_are_given_only_where_who_gives_them_governs(do: Do, call: Call) -> None:
    do(grant.grant, "person:cas", [Right.GOVERN], pack="shop", environment="prod")
    here = {"holder": "ann", "rights": ["run"], "pack": "shop", "environment": "prod"}
    assert (await call("cas", "POST", "grants", here)).status_code == 200
    for place in ({"pack": "*"}, {"environment": "*"}, {"pack": "net"}):
        answer = await call("cas", "POST", "grants", {**here, "rights": ["see"], **place})
        assert answer.status_code == 403, place
    assert (await call("cas", "POST", "grants", {**here, "holder": "cas"})).status_code == 403
    assert (
        await call("cas", "POST", "grants/revoke", {**here, "holder": "sre", "environment": "*"})
    ).status_code == 403
    assert (await call("cas", "POST", "people/ann/tokens", {})).status_code == 403
    assert (await call("cas", "PUT", "groups/sre/members/cas")).status_code == 403


async def test_a_person_comes_and_goes_by_the_api(http: httpx.AsyncClient, call: Call, chief: str) -> None:
    eve = {"name": "eve", "email": "eve@example.com", "accounts": {"servicenow": "eve.k"}}
    assert (await call(chief, "POST", "people", eve)).status_code == 201
    assert (await call(chief, "POST", "people", eve)).status_code == 409
    assert (await call(chief, "PUT", "groups/sre/members/eve")).json()["groups"] == ["sre"]
    assert (await call(chief, "PATCH", "people/eve", {"contact": "mailto:eve@example.com"})).json()["email"]
    made = (await call(chief, "POST", "people/eve/tokens", {"name": "laptop", "rights": ["see"]})).json()["token"]
    headers = {"Authorization": f"Bearer {made}"}
    assert (await http.get("/api/v1/me", headers=headers)).json()["limits"] == ["see"]
    (kept,) = (await call(chief, "GET", "people/eve")).json()["tokens"]
    assert made not in str(kept)
    assert (await call(chief, "POST", "people/eve/off", {"reason": "left"})).json()["off_at"]
    assert (await http.get("/api/v1/me", headers=headers)).status_code == 401
    assert (await call(chief, "POST", "people/eve/on")).json()["off_at"] is None
    assert (await http.get("/api/v1/me", headers=headers)).status_code == 200
    assert (await call(chief, "POST", f"tokens/{kept['id']}/revoke")).status_code == 200
    assert (await http.get("/api/v1/me", headers=headers)).status_code == 401
    assert (await call(chief, "DELETE", "groups/sre/members/eve")).json()["groups"] == []
    assert (await call(chief, "GET", "people/nobody")).status_code == 404


async def test_approvals_are_delegated_by_who_gives_them_away(do: Do, call: Call, chief: str) -> None:
    until = (now() + timedelta(days=1)).isoformat()
    mine = {"giver": "ann", "taker": "cas", "until": until, "reason": "away"}
    made = await call("ann", "POST", "delegations", mine)
    assert made.status_code == 201
    assert (await call("cas", "POST", "delegations", {**mine, "giver": "bob"})).status_code == 403
    assert (await call(chief, "POST", "delegations", {**mine, "taker": chief})).status_code == 403
    assert (await call("cas", "POST", f"delegations/{made.json()['id']}/end")).status_code == 403
    assert (await call("ann", "POST", f"delegations/{made.json()['id']}/end")).status_code == 200


async def test_who_may_nothing_is_given_nothing_and_changes_nothing(http: httpx.AsyncClient, call: Call) -> None:
    paths = (await http.get("/api/openapi.json")).json()["paths"]
    free = {"/api/v1/me", "/api/v1/approvals/mine"}  # who I am; what waits for me: nothing
    for path, methods in paths.items():
        for method in methods if path.startswith("/api/v1/") and path not in free else ():
            answer = await call("cas", method.upper(), re.sub(r"{\w+}", "x", path).removeprefix("/api/v1/"))
            assert answer.status_code in (403, 404, 422), (method, path)
    assert (await call("cas", "GET", "approvals/mine")).json()["items"] == []


async def test_a_refused_token_is_told_without_the_token(http: httpx.AsyncClient, database: Database, do: Do) -> None:
    lost = do(token.give_token, "ann")
    do(roll.turn_off, "ann")
    for sent in (lost, "fl_guessed"):
        await http.get("/api/v1/events", headers={"Authorization": f"Bearer {sent}"})
        await http.post("/sign-in", data={"token": sent})
    entries = database.read_now(lambda c: c.execute(sa.select(LEDGER.c.entry).order_by(LEDGER.c.id)).scalars().all())
    told = [each["text"] for each in map(orjson.loads, entries) if each["act"] == "sign-in refused"]
    assert ["a token of ann, who is off" in each for each in told] == [True, True, False, False]
    assert "GET /api/v1/events from 127.0.0.1" in told[0]
    assert not any(sent in str(entries) for sent in (lost, "fl_guessed"))


async def test_the_portal_shows_what_a_person_may_see(http: httpx.AsyncClient, database: Database, do: Do) -> None:
    happen(database)
    signed_in = await http.post("/sign-in", data={"token": do(token.give_token, "ann")})
    assert signed_in.status_code == 303
    page = (await http.get("/remediations")).text
    assert "fault of shop-prod" in page
    assert "fault of net-prod" not in page
    assert (await http.get("/remediations/net-prod")).status_code == 404
    do(group.leave, "sre", "ann")
    answer = await http.get("/remediations")
    assert (answer.status_code, "Nothing here is yours to see" in answer.text) == (403, True)
