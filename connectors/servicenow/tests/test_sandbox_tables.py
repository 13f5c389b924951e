"""The stand-in's Table API, by the vendor's documents."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import CI, INCIDENT, PASSWORD, USERS
from starlette.applications import Starlette

from firstline.connector import SandboxSettings
from firstline_servicenow.sandbox import create_app

pytestmark = pytest.mark.anyio

INCIDENTS = [
    {"sys_id": f"{n:032x}", "number": f"INC000{n:04d}", "urgency": str(n % 3 + 1), "category": "disk" if n % 2 else ""}
    for n in range(1, 26)
]
TABLE = "/api/now/table/incident"


@pytest.fixture
def app() -> Starlette:
    seed = {"users": USERS, "incident": INCIDENTS, "cmdb_ci": [{"sys_id": CI, "name": "shop"}]}
    return create_app(SandboxSettings(seed=seed, public_url="https://sandbox.example"))


@pytest.fixture
async def http(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", auth=("admin", "admin")) as made:
        yield made


async def numbers(http: httpx.AsyncClient, query: str, **more: Any) -> list[int]:
    answer = await http.get(TABLE, params={"sysparm_query": query, "sysparm_fields": "number", **more})
    return [int(row["number"][3:]) for row in answer.json()["result"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("number=INC0000003", [3]),
        ("number!=INC0000003^numberSTARTSWITHINC000000", [1, 2, 4, 5, 6, 7, 8, 9]),
        ("number>=INC0000024", [24, 25]),
        ("number<INC0000003", [1, 2]),
        ("numberININC0000001,INC0000002", [1, 2]),
        ("numberLIKE0025", [25]),
        ("numberENDSWITH11", [11]),
        ("number<=INC0000004^categoryISEMPTY", [2, 4]),
        ("number<=INC0000004^categoryISNOTEMPTY", [1, 3]),
        ("number=INC0000001^ORnumber=INC0000002^category=disk", [1]),
        ("number<=INC0000003^ORDERBYDESCnumber", [3, 2, 1]),
        ("number<=INC0000004^ORDERBYurgency^ORDERBYDESCnumber", [3, 4, 1, 2]),
        ("no_such_field=1^number=INC0000009", [9]),
        (f"sys_id={3:032x}", [3]),
        ("number=INC0009999", []),
    ],
)
async def test_encoded_queries_select_and_order(http: httpx.AsyncClient, query: str, expected: list[int]) -> None:
    assert await numbers(http, query) == expected


async def test_pages_are_linked_and_counted(http: httpx.AsyncClient) -> None:
    answer = await http.get(TABLE, params={"sysparm_limit": "10", "sysparm_offset": "10", "sysparm_fields": "number"})
    assert answer.headers["X-Total-Count"] == "25"
    links = dict(re.findall(r'<[^>]*sysparm_offset=(\d+)[^>]*>;rel="(\w+)"', answer.headers["Link"]))
    assert links == {"0": "prev", "20": "next"}
    first = await http.get(TABLE, params={"sysparm_limit": "10"})
    assert {*re.findall(r'rel="(\w+)"', first.headers["Link"])} == {"first", "next", "last"}


async def test_one_page_has_no_links(http: httpx.AsyncClient) -> None:
    assert "Link" not in (await http.get(TABLE)).headers


async def test_an_empty_result_is_404_in_v1_and_a_list_in_v2(http: httpx.AsyncClient) -> None:
    query = "?sysparm_query=number=INC0009999"
    assert (await http.get(f"/api/now/v1/table/incident{query}")).status_code == 404
    answer = await http.get(f"/api/now/v2/table/incident{query}")
    assert (answer.status_code, answer.json()) == (200, {"result": []})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"link": f"https://sandbox.example/api/now/table/cmdb_ci/{CI}", "value": CI}),
        ({"sysparm_exclude_reference_link": "true"}, CI),
        (
            {"sysparm_display_value": "true"},
            {"display_value": "shop", "link": f"https://sandbox.example/api/now/table/cmdb_ci/{CI}"},
        ),
        ({"sysparm_display_value": "true", "sysparm_exclude_reference_link": "true"}, "shop"),
        (
            {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"},
            {"display_value": "shop", "value": CI},
        ),
    ],
)
async def test_references_are_shown_as_asked(http: httpx.AsyncClient, asked: dict[str, str], expected: Any) -> None:
    await http.patch(f"{TABLE}/{1:032x}", json={"cmdb_ci": CI})
    answer = await http.get(f"{TABLE}/{1:032x}", params={"sysparm_fields": "cmdb_ci", **asked})
    assert answer.json()["result"] == {"cmdb_ci": expected}


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", f"{TABLE}/{'f' * 32}", 404, "No Record found"),
        ("GET", "/api/now/table/no_such_table", 400, "Invalid table no_such_table"),
        ("PATCH", f"{TABLE}/{1:032x}", 400, "Exception while reading request"),
    ],
)
async def test_refusals_have_the_vendors_body(
    http: httpx.AsyncClient, method: str, path: str, status: int, message: str
) -> None:
    answer = await http.request(method, path, content=b"no json" if method == "PATCH" else None)
    assert answer.status_code == status
    body = answer.json()
    assert body["status"] == "failure"
    assert body["error"].keys() == {"message", "detail"}
    assert body["error"]["message"] == message


@pytest.mark.parametrize("auth", [None, ("admin", "wrong"), ("nobody", "admin")])
async def test_nobody_gets_in_without_the_right_password(app: Starlette, auth: tuple[str, str] | None) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", auth=auth) as http:
        for path in (TABLE, "/api/sn_chg_rest/change"):
            answer = await http.get(path)
            assert answer.status_code == 401
            assert answer.json()["error"]["message"] == "User Not Authenticated"


async def test_resolving_needs_a_code_and_notes(http: httpx.AsyncClient) -> None:
    answer = await http.patch(f"{TABLE}/{1:032x}", json={"state": "6"})
    assert answer.status_code == 403
    assert "Data Policy Exception" in answer.json()["error"]["detail"]
    answer = await http.patch(f"{TABLE}/{1:032x}", json={"state": "6", "close_code": "c", "close_notes": "n"})
    assert answer.json()["result"]["incident_state"] == "6"
    assert answer.json()["result"]["resolved_at"]


async def test_journal_fields_read_empty_and_land_in_the_journal(http: httpx.AsyncClient) -> None:
    answer = await http.patch(f"{TABLE}/{1:032x}", json={"work_notes": "seen", "comments": "hello"})
    result = answer.json()["result"]
    assert (result["work_notes"], result["comments"], result["sys_mod_count"]) == ("", "", "1")
    query = {"sysparm_query": f"element_id={1:032x}^ORDERBYelement", "sysparm_fields": "element,value"}
    journal = (await http.get("/api/now/table/sys_journal_field", params=query)).json()["result"]
    assert journal == [{"element": "comments", "value": "hello"}, {"element": "work_notes", "value": "seen"}]


async def test_an_update_that_changes_nothing_is_no_update(http: httpx.AsyncClient) -> None:
    answer = await http.patch(f"{TABLE}/{1:032x}", json={"category": "disk", "no_such_field": "x"})
    assert answer.json()["result"]["sys_mod_count"] == "0"


async def test_only_an_administrator_deletes(app: Starlette, http: httpx.AsyncClient) -> None:
    transport = httpx.ASGITransport(app)
    ours = ("firstline", PASSWORD)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", auth=ours) as mine:
        assert (await mine.delete(f"{TABLE}/{1:032x}")).status_code == 403
    assert (await http.delete(f"{TABLE}/{1:032x}")).status_code == 204
    assert (await http.get(f"{TABLE}/{1:032x}")).status_code == 404
    assert await numbers(http, "number=INC0000001") == []


async def test_new_numbers_are_free_ones(http: httpx.AsyncClient) -> None:
    taken = {"number": "INC0010001", "sys_id": INCIDENT}
    await http.post(TABLE, json=taken)
    assert (await http.post(TABLE, json={})).json()["result"]["number"] == "INC0010002"


async def test_a_reset_brings_back_the_seed(http: httpx.AsyncClient) -> None:
    await http.post(TABLE, json={"short_description": "one more"})
    await http.post("/sandbox/reset")
    state = (await http.get("/sandbox/state")).json()
    assert len(state["tables"]["incident"]) == 25
    assert state["requests"] == {"total": 0, "by": {}}


async def test_trouble_lasts_as_long_as_was_asked(http: httpx.AsyncClient) -> None:
    await http.post("/sandbox/trouble", json={"status": 429, "times": 2, "retry_after": 7})
    for _ in range(2):
        answer = await http.get(TABLE)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert (await http.get(TABLE)).status_code == 200
    assert (await http.post("/sandbox/trouble", json={"what": 1})).status_code == 400


async def test_an_approver_may_approve_through_the_table_and_nobody_else(app: Starlette) -> None:
    transport = httpx.ASGITransport(app)

    async def as_(user: tuple[str, str], method: str, path: str, **body: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", auth=user) as http:
            return await http.request(method, path, json=body or None)

    ours = ("firstline", PASSWORD)
    created = await as_(ours, "POST", "/api/sn_chg_rest/change/normal", short_description="x")
    change = created.json()["result"][0]["sys_id"]["value"]
    await as_(ours, "PATCH", f"/api/sn_chg_rest/change/{change}", state="-4")
    asked = await as_(ours, "GET", f"/api/now/table/sysapproval_approver?sysparm_query=sysapproval={change}")
    entry = f"/api/now/table/sysapproval_approver/{asked.json()['result'][0]['sys_id']}"
    assert (await as_(ours, "PATCH", entry, state="approved")).status_code == 403
    assert (await as_(("david.loo", "david.loo"), "PATCH", entry, state="approved")).status_code == 200
    row = (await as_(ours, "GET", f"/api/now/table/change_request/{change}")).json()["result"]
    assert (row["state"], row["approval"]) == ("-2", "approved")


async def test_an_item_is_changed_in_new_only(http: httpx.AsyncClient) -> None:
    created = await http.post("/api/sn_chg_rest/change/normal", json={"short_description": "x"})
    path = f"/api/sn_chg_rest/change/{created.json()['result'][0]['sys_id']['value']}"
    await http.patch(path, json={"state": "-4"})
    answer = await http.patch(path, json={"cmdb_ci": CI, "justification": "because"})
    result = answer.json()["result"]
    assert (result["cmdb_ci"]["value"], result["justification"]["value"]) == ("", "because")


async def test_closing_a_change_needs_a_code_and_notes(http: httpx.AsyncClient) -> None:
    created = await http.post("/api/sn_chg_rest/change/normal", json={"short_description": "x"})
    change = created.json()["result"][0]
    path = f"/api/sn_chg_rest/change/{change['sys_id']['value']}"
    await http.patch(path, json={"state": "-4"})
    await http.post(f"/sandbox/change/{change['number']['value']}/approve")
    for state in ("-1", "0"):
        await http.patch(path, json={"state": state})
    assert (await http.patch(path, json={"state": "3"})).status_code == 400
    closed = await http.patch(path, json={"state": "3", "close_code": "successful", "close_notes": "n"})
    assert closed.json()["result"]["state"] == {"display_value": "Closed", "value": 3.0}


async def test_the_page_shows_records_with_notes_and_runs_nothing_of_theirs(http: httpx.AsyncClient) -> None:
    await http.post(TABLE, json={"short_description": "<script>alert(1)</script>", "work_notes": "<b>seen</b>"})
    page = (await http.get("/")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;seen&lt;/b&gt;" in page
    assert "<script" not in page
    assert "http" not in re.sub(r'http-equiv|lang="en"', "", page)


async def test_the_page_shows_each_kind_that_is_there_and_the_files(http: httpx.AsyncClient) -> None:
    task = (await http.post("/api/now/table/sc_task", json={"short_description": "replace disk"})).json()["result"]
    params = {"table_name": "sc_task", "table_sys_id": task["sys_id"], "file_name": "log.txt"}
    await http.post("/api/now/attachment/file", params=params, content=b"log", headers={"Content-Type": "text/plain"})
    page = (await http.get("/")).text
    assert "replace disk" in page
    assert "log.txt, 3 bytes" in page
    assert "Problem" not in page


async def test_the_address_of_a_form_leads_to_its_place_on_the_page(http: httpx.AsyncClient) -> None:
    answer = await http.get("/nav_to.do", params={"uri": f"incident.do?sys_id={INCIDENT}"})
    assert answer.headers["Location"] == f"/#{INCIDENT}"
    assert (await http.get("/nav_to.do", params={"uri": "x.do?sys_id=//elsewhere"})).headers["Location"] == "/"


def test_a_seed_with_a_table_that_is_not_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="u_own"):
        create_app(SandboxSettings(seed={"u_own": []}))


async def test_dots_lead_to_the_fields_of_what_a_record_refers_to(http: httpx.AsyncClient) -> None:
    await http.patch(f"{TABLE}/{1:032x}", json={"cmdb_ci": CI})
    fields = {"sysparm_fields": "number,cmdb_ci.name,cmdb_ci.support_group.name,cmdb_ci.no_such,no_such.name"}
    answer = await http.get(f"{TABLE}/{1:032x}", params=fields)
    assert answer.json()["result"] == {"number": "INC0000001", "cmdb_ci.name": "shop", "cmdb_ci.support_group.name": ""}
    shown = await http.get(f"{TABLE}/{1:032x}", params={**fields, "sysparm_display_value": "all"})
    assert shown.json()["result"]["cmdb_ci.name"] == {"display_value": "shop", "value": "shop"}
    assert await numbers(http, "cmdb_ci.name=shop") == [1]


async def test_hidden_rows_are_counted_and_take_their_place_on_the_page(
    app: Starlette, http: httpx.AsyncClient
) -> None:
    await http.put("/sandbox/rules", json={"hidden": {"incident": "number<=INC0000008"}})
    params = {"sysparm_limit": "10", "sysparm_query": "ORDERBYnumber"}
    answer = await http.get(TABLE, params=params, auth=("firstline", PASSWORD))
    assert [row["number"] for row in answer.json()["result"]] == ["INC0000009", "INC0000010"]
    assert answer.headers["X-Total-Count"] == "25"
    assert (await http.get(f"{TABLE}/{1:032x}", auth=("firstline", PASSWORD))).status_code == 404
    assert len((await http.get(TABLE, params=params)).json()["result"]) == 10


async def test_rules_that_are_none_are_refused(http: httpx.AsyncClient) -> None:
    for odd in ({"hidden": {"u_none": ""}}, {"late": {"rows": -1}}, {"what": 1}):
        assert (await http.put("/sandbox/rules", json=odd)).status_code == 400
    assert (await http.get("/sandbox/rules")).json()["result"]["limit"] is None


async def test_past_the_rate_limit_it_answers_as_documented(http: httpx.AsyncClient) -> None:
    await http.put("/sandbox/rules", json={"limit": 1})
    first, second = [await http.get(TABLE) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 429)
    names = {"x-ratelimit-limit", "x-ratelimit-reset", "x-ratelimit-rule"}
    assert names <= set(first.headers)
    assert names | {"retry-after"} <= set(second.headers)
    assert second.json()["error"]["message"] == "Rate limit exceeded"


async def test_a_row_that_is_written_late_is_dated_before_it_is_seen(http: httpx.AsyncClient) -> None:
    await http.put("/sandbox/rules", json={"late": {"rows": 1, "seconds": 600}})
    late = (await http.post(TABLE, json={"work_notes": "x"})).json()["result"]
    next_ = (await http.post(TABLE, json={})).json()["result"]
    assert late["sys_updated_on"] < next_["sys_updated_on"]


async def token(http: httpx.AsyncClient, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": "firstline-client", "client_secret": "firstline-secret"}
    return await http.post("/oauth_token.do", data={**form, **more})


async def test_a_token_lets_its_user_in(app: Starlette) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as http:
        told = (await token(http)).json()
        assert (told["token_type"], told["expires_in"]) == ("Bearer", 1799)
        headers = {"Authorization": f"Bearer {told['access_token']}"}
        assert (await http.get(TABLE, headers=headers)).status_code == 200
        await http.post("/sandbox/tokens/expire")
        assert (await http.get(TABLE, headers=headers)).status_code == 401


@pytest.mark.parametrize("wrong", [{"grant_type": "password"}, {"client_secret": "x"}, {"client_id": "x"}])
async def test_no_token_is_given_for_anything_else(http: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    answer = await token(http, **wrong)
    assert (answer.status_code, answer.json()["error_description"]) == (401, "access_denied")
