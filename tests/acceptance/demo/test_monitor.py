"""The monitor pages once for each outage, and never resolves."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from firstline.demo import monitor
from firstline.demo.monitor import Fault, Watch
from firstline.demo.process import free_ports

DOWN = Fault("hung", "shop: does not answer", "timeout")


def test_it_pages_at_the_second_failed_probe_and_not_before() -> None:
    watch = Watch()
    assert [watch.due(DOWN), watch.due(DOWN)] == [False, True]


def test_it_does_not_page_again_in_the_same_outage() -> None:
    watch = Watch()
    watch.due(DOWN)
    watch.due(DOWN)
    watch.paged = True
    assert not watch.due(DOWN)


def test_it_goes_on_trying_while_the_page_was_not_accepted() -> None:
    watch = Watch()
    watch.due(DOWN)
    assert watch.due(DOWN)
    assert watch.due(DOWN)


def test_a_good_probe_ends_the_outage_so_that_the_next_one_is_paged() -> None:
    watch = Watch(failures=9, paged=True)
    assert not watch.due(None)
    assert [watch.due(DOWN), watch.due(DOWN)] == [False, True]


@pytest.mark.parametrize(
    ("status", "summary"),
    [(507, "shop: disk quota exceeded"), (500, "shop: fails with 500"), (503, "shop: fails with 503")],
)
def test_the_summary_says_what_the_shop_answered(loopback, status: int, summary: str) -> None:  # type: ignore[no-untyped-def]
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse("no space left", status)

    found = monitor.probe(f"{loopback(Starlette(routes=[Route('/health', answer)]))}/health")
    assert found is not None
    assert (found.summary, found.detail) == (summary, "no space left")


def test_a_shop_that_nobody_serves_does_not_answer() -> None:
    (port,) = free_ports(1)
    found = monitor.probe(f"http://127.0.0.1:{port}/health")
    assert found is not None
    assert found.summary == "shop: does not answer"


def test_a_page_is_an_events_v2_trigger(loopback) -> None:  # type: ignore[no-untyped-def]
    received = []

    async def enqueue(request: Request) -> JSONResponse:
        received.append(await request.json())
        return JSONResponse({"status": "success"}, 202)

    address = loopback(Starlette(routes=[Route("/v2/enqueue", enqueue, methods=["POST"])]))
    monitor.page(address, "k" * 32, DOWN, "http://shop")
    (alert,) = received
    assert (alert["event_action"], alert["dedup_key"], alert["routing_key"]) == ("trigger", "shop/hung", "k" * 32)
    assert (alert["payload"]["summary"], alert["payload"]["severity"]) == ("shop: does not answer", "critical")


def test_a_page_that_is_refused_is_an_error(loopback) -> None:  # type: ignore[no-untyped-def]
    async def refuse(_: Request) -> JSONResponse:
        return JSONResponse({}, 400)

    address = loopback(Starlette(routes=[Route("/v2/enqueue", refuse, methods=["POST"])]))
    with pytest.raises(OSError, match="400"):
        monitor.page(address, "k", DOWN, "http://shop")
