"""Instances whose change models go other ways than the base system."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import respx
from connectors.servicenow.tests.stage import settings

from firstline.connector import Evidence
from firstline.errors import Rejected
from firstline.http import client
from firstline.meter import Meter
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.register import Register
from firstline_servicenow.sign_in import Fixed
from firstline_servicenow.table import Table

pytestmark = pytest.mark.anyio

BASE = "https://example.service-now.com"
SYS_ID = "a" * 32
LABELS = {"-5": "New", "-2": "Scheduled", "-1": "Implement", "0": "Review", "3": "Closed", "4": "Canceled"}


class Model:
    """A change in an instance that knows only certain transitions. It answers 200 to all, as the vendor does."""

    def __init__(self, ways: dict[str, list[str]]) -> None:
        self.ways = ways
        self.state = "-5"
        self.written: list[dict[str, str]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/nextstates"):
            states = [*self.ways.get(self.state, []), self.state]
            return httpx.Response(200, json={"result": {"available_states": states, "state_label": LABELS}})
        if request.method == "PATCH":
            wanted = httpx.Response(200, content=request.content).json()
            if wanted["state"] in self.ways.get(self.state, []):
                self.state = wanted["state"]
                self.written.append(wanted)
        fields = {"number": "CHG0030001", "type": "standard", "approval": "approved"}
        state = {"display_value": LABELS[self.state], "value": float(self.state)}
        return httpx.Response(200, json={"result": fields | {"state": state}})


@pytest.fixture
async def register() -> AsyncIterator[Register]:
    table = Table(BASE, Fixed({}), Meter())
    async with client(BASE) as http:
        yield Register("prod", settings(BASE), table, http, Dictionary(table))
    table.close()


@respx.mock
async def test_a_model_without_a_scheduled_state_is_followed(register: Register) -> None:
    model = Model({"-5": ["-1"], "-1": ["0"], "0": ["3"]})
    respx.route().mock(side_effect=model.answer)
    await register.move(SYS_ID, "implement", Evidence(notes="Starting."))
    assert model.state == "-1"
    assert model.written == [{"state": "-1", "work_notes": "Starting."}]


@respx.mock
async def test_a_model_that_ends_elsewhere_is_rejected_with_what_it_offers(register: Register) -> None:
    model = Model({"-5": ["-2"], "-2": ["4"]})
    respx.route().mock(side_effect=model.answer)
    with pytest.raises(Rejected, match=r"CHG0030001 is in Scheduled.*Offered: Canceled"):
        await register.move(SYS_ID, "implement", Evidence())


@respx.mock
async def test_a_state_that_is_offered_and_does_not_take_ends_in_a_refusal(register: Register) -> None:
    model = Model({"-5": ["-2", "-1"]})
    offer = model.answer

    def stubborn(request: httpx.Request) -> httpx.Response:
        return offer(httpx.Request("GET", request.url) if request.method == "PATCH" else request)

    respx.route().mock(side_effect=stubborn)
    with pytest.raises(Rejected, match="offers no way to implement"):
        await register.move(SYS_ID, "implement", Evidence())


@respx.mock
async def test_an_answer_that_claims_more_than_was_done_is_found_out(register: Register) -> None:
    def boasting(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/nextstates"):
            return httpx.Response(200, json={"result": {"available_states": ["-5"], "state_label": LABELS}})
        state = httpx.Response(200, content=request.content).json()["state"] if request.method == "PATCH" else "-5"
        change: dict[str, Any] = {"number": "CHG0030001", "type": "standard", "state": float(state)}
        return httpx.Response(200, json={"result": change})

    respx.route().mock(side_effect=boasting)
    with pytest.raises(Rejected, match="CHG0030001 is in -5"):
        await register.move(SYS_ID, "implement", Evidence())


@respx.mock
async def test_a_model_whose_instance_refuses_the_usual_way_is_followed_where_it_leads(register: Register) -> None:
    model = Model({"-5": ["-1"], "-1": ["0"], "0": ["3"]})
    respx.route().mock(side_effect=refusing(model))
    await register.move(SYS_ID, "implement", Evidence(notes="Starting."))
    assert model.written == [{"state": "-1", "work_notes": "Starting."}]


@respx.mock
async def test_a_refusal_that_no_way_leads_round_is_told_in_the_vendors_words(register: Register) -> None:
    model = Model({"-5": ["4"]})
    respx.route().mock(side_effect=refusing(model))
    with pytest.raises(Rejected, match="Operation aborted by Business Rule"):
        await register.move(SYS_ID, "implement", Evidence())
    assert model.state == "-5"


@respx.mock
async def test_states_that_are_offered_as_numbers_are_understood(register: Register) -> None:
    model = Model({"-5": ["-1"]})

    def numbers(request: httpx.Request) -> httpx.Response:
        answer = model.answer(request)
        if request.url.path.endswith("/nextstates"):
            return httpx.Response(200, json={"result": {"available_states": [-1.0, -5], "state_label": None}})
        return answer

    respx.route().mock(side_effect=numbers)
    await register.move(SYS_ID, "implement", Evidence())
    assert model.state == "-1"


def refusing(model: Model) -> Callable[[httpx.Request], httpx.Response]:
    """The same, by an instance that answers 403 to a transition that its model does not have."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            wanted = httpx.Response(200, content=request.content).json()["state"]
            if wanted not in model.ways.get(model.state, []):
                said = {"message": "Operation Failed", "detail": "Operation aborted by Business Rule 'State model'"}
                return httpx.Response(403, json={"error": said, "status": "failure"})
        return model.answer(request)

    return answer
