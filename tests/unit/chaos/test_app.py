"""Faults of requests, as the three HTTP clients that connectors use see them."""

from collections.abc import Callable
from typing import Any

import httpx
import httpx2
import pytest
import requests
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from firstline.chaos import ChaosApp, Faults
from firstline.testing.loopback import ask

Serve = Callable[..., str]


class Ledger:
    """An application that remembers what was posted to it."""

    def __init__(self) -> None:
        self.took: list[bytes] = []
        self.waits: list[float] = []

    async def take(self, request: Request) -> JSONResponse:
        self.took.append(await request.body())
        return JSONResponse({"took": len(self.took)}, 201)

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def app(self, settings: dict[str, Any]) -> Starlette:
        routes = [Route("/", self.take), Route("/{path:path}", self.take, methods=["GET", "POST"])]
        chaos = Middleware(ChaosApp, faults=Faults(settings), sleep=self.wait)
        return Starlette(routes=routes, middleware=[chaos])


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def _post(url: str, path: str = "/api/notes") -> httpx.Response:
    return ask("POST", url + path, content=b"a note")


def _httpx(url: str) -> None:
    with pytest.raises(httpx.TransportError):
        _post(url)


def _httpx2(url: str) -> None:
    with pytest.raises(httpx2.TransportError):
        httpx2.post(f"{url}/api/notes", content=b"a note", trust_env=False)


def _requests(url: str) -> None:
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.post(f"{url}/api/notes", data=b"a note", timeout=10)


@pytest.mark.parametrize("broken_for", [_httpx, _httpx2, _requests])
@pytest.mark.parametrize(("fault", "took"), [("reset_before", []), ("reset_after", [b"a note"])])
def test_a_reset_is_a_broken_connection_before_or_after_the_fact(
    ledger: Ledger, loopback: Serve, broken_for: Callable[[str], None], fault: str, took: list[bytes]
) -> None:
    broken_for(loopback(ledger.app({fault: 1})))
    assert ledger.took == took


def test_a_rate_limit_says_how_long_to_wait_and_does_nothing(ledger: Ledger, loopback: Serve) -> None:
    answer = _post(loopback(ledger.app({"rate_limit": 1, "retry_after": 7})))
    assert (answer.status_code, answer.headers["retry-after"], ledger.took) == (429, "7", [])


def test_server_errors_are_of_three_kinds_and_do_nothing(ledger: Ledger, loopback: Serve) -> None:
    url = loopback(ledger.app({"server_error": 1}))
    assert {_post(url).status_code for _ in range(30)} == {500, 502, 503}
    assert ledger.took == []


def test_a_slow_answer_comes_after_its_seconds(ledger: Ledger, loopback: Serve) -> None:
    assert _post(loopback(ledger.app({"slow": 1, "slow_seconds": 9}))).status_code == 201
    assert ledger.waits == [9]


@pytest.mark.parametrize("path", ["/sandbox/state", "/v2/enqueue"])
def test_the_doors_of_the_sandbox_and_what_is_exempt_meet_no_fault(ledger: Ledger, loopback: Serve, path: str) -> None:
    url = loopback(ledger.app({"server_error": 1, "exempt": ["/v2/"]}))
    assert _post(url, path).status_code == 201


def test_an_error_has_the_form_that_the_sandbox_gives_it(loopback: Serve, ledger: Ledger) -> None:
    app = ChaosApp(ledger.app({}), Faults({"rate_limit": 1}), lambda status: {"errorMessages": [f"vendor's {status}"]})
    assert _post(loopback(app)).json() == {"errorMessages": ["vendor's 429"]}


def test_faults_are_changed_at_run_time_and_shown_with_what_was_made(ledger: Ledger, loopback: Serve) -> None:
    url = loopback(ledger.app({"rate_limit": 1}))
    _post(url)
    changed = ask("PUT", f"{url}/sandbox/chaos", json={"seed": 3})
    assert _post(url).status_code == 201
    shown = ask("GET", f"{url}/sandbox/chaos").json()
    assert changed.json() == shown
    assert (shown["made"], shown["settings"]["seed"], shown["settings"]["rate_limit"]) == ({"rate_limit": 1}, 3, 0)


@pytest.mark.parametrize("wrong", [b'{"rate_limit": 2}', b"[]", b"{"])
def test_faults_that_can_not_be_are_refused_and_those_of_before_stay(
    ledger: Ledger, loopback: Serve, wrong: bytes
) -> None:
    url = loopback(ledger.app({"rate_limit": 1}))
    assert ask("PUT", f"{url}/sandbox/chaos", content=wrong).status_code == 400
    assert _post(url).status_code == 429
