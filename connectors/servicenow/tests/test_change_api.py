"""The Change Management API's answers, each become what the hub knows."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import respx

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.http import client
from firstline_servicenow.change import ChangeApi, Offer

pytestmark = pytest.mark.anyio

BASE = "https://example.service-now.com"
SYS_ID = "a" * 32
CHANGE = f"{BASE}/api/sn_chg_rest/change/{SYS_ID}"

Call = Callable[[ChangeApi], Any]
CALLS: list[Call] = [
    lambda api: api.read(SYS_ID),
    lambda api: api.update(SYS_ID, {"state": "-1"}),
    lambda api: api.create("standard", SYS_ID, {}),
    lambda api: api.create("normal", "", {}),
    lambda api: api.offered(SYS_ID),
]


@pytest.fixture
async def api() -> AsyncIterator[ChangeApi]:
    async with client(BASE, auth=("firstline", "secret")) as http:
        yield ChangeApi(http)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, Rejected),
        (400, Rejected),
        (401, Unauthorized),
        (403, Rejected),
        (404, Rejected),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
@respx.mock
async def test_each_status_is_its_error(api: ChangeApi, call: Call, status: int, error: type[FirstlineError]) -> None:
    respx.route().respond(status, json={"error": {"message": "as asked"}}, headers={"Retry-After": "9"})
    with pytest.raises(error, match="as asked") as caught:
        await call(api)
    if isinstance(caught.value, Unavailable):
        assert caught.value.retry_after == 9


@pytest.mark.parametrize("call", CALLS)
@respx.mock
async def test_a_broken_connection_is_unavailable_and_not_tried_again(api: ChangeApi, call: Call) -> None:
    route = respx.route().mock(side_effect=httpx.ReadError("reset"))
    with pytest.raises(Unavailable):
        await call(api)
    assert route.call_count == 1


@pytest.mark.parametrize("call", CALLS)
@respx.mock
async def test_a_page_instead_of_json_is_unavailable(api: ChangeApi, call: Call) -> None:
    respx.route().respond(200, html="<html>hibernating</html>")
    with pytest.raises(Unavailable, match="page"):
        await call(api)


@pytest.mark.parametrize("call", CALLS)
@respx.mock
async def test_cut_json_is_unavailable(api: ChangeApi, call: Call) -> None:
    respx.route().respond(200, content=b'{"result": {', headers={"Content-Type": "application/json"})
    with pytest.raises(Unavailable, match="broken JSON"):
        await call(api)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", [{}, [], {"result": None}, {"result": []}, {"result": "text"}])
@respx.mock
async def test_json_of_another_shape_is_rejected(api: ChangeApi, call: Call, answer: Any) -> None:
    respx.route().respond(200, json=answer)
    with pytest.raises(Rejected):
        await call(api)


@pytest.mark.parametrize("listed", [True, False])
@respx.mock
async def test_one_change_may_come_alone_or_in_a_list(api: ChangeApi, listed: bool) -> None:
    change = {"state": {"display_value": "New", "value": -5.0}}
    respx.get(CHANGE).respond(200, json={"result": [change] if listed else change})
    assert await api.read(SYS_ID) == change


@respx.mock
async def test_nothing_but_a_sys_id_goes_into_the_path(api: ChangeApi) -> None:
    for odd in ("../x", "", "A" * 32):
        with pytest.raises(Rejected):
            await api.read(odd)
        with pytest.raises(Rejected):
            await api.create("standard", odd, {})
    assert not respx.calls


@respx.mock
async def test_offered_states_have_their_labels(api: ChangeApi) -> None:
    answer = {"available_states": ["-2", "4"], "state_label": {"-2": "Scheduled"}, "state_transitions": []}
    respx.get(f"{CHANGE}/nextstates").respond(200, json={"result": answer})
    assert await api.offered(SYS_ID) == Offer({"-2": "Scheduled", "4": "4"})


@respx.mock
async def test_a_state_that_still_lacks_a_condition_is_not_offered_and_the_condition_is_named(api: ChangeApi) -> None:
    lacking = [{"passed": False, "condition": {"name": "No active Change Tasks"}}]
    way = {"to_state": "0", "display_value": "Implement to Review", "conditions": lacking}
    answer = {
        "available_states": ["0", "4"],
        "state_label": {"0": "Review", "4": "Canceled"},
        "state_transitions": [[way | {"transition_available": False}], [{"to_state": "4"}]],
    }
    respx.get(f"{CHANGE}/nextstates").respond(200, json={"result": answer})
    offer = await api.offered(SYS_ID)
    assert offer.states == {"4": "Canceled"}
    assert offer.told({"state": "-1"}) == "Offered: Canceled. Not met: Implement to Review needs No active Change Tasks"
