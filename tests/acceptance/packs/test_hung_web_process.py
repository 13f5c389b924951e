"""A real web server that takes connections and answers none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import Bench, Runit
from tests.acceptance.packs.shop import Shop
from tests.acceptance.packs.tls import Server

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(runit: Runit, ports: Callable[[], int], tmp_path: Path) -> Shop:
    return Shop(runit, ports(), tmp_path)


async def test_a_process_in_a_deadlock_is_restarted(bench: Bench, runit: Runit, shop: Shop) -> None:
    before = runit.pid(shop.unit)
    shop.deadlock()
    played = await bench.play("web/hung-web-process", **shop.inputs())
    assert played.outcome == "proved", played
    assert runit.pid(shop.unit) != before
    assert shop.answers
    assert f"main process: {before}" in played.said["what its threads wait for"]


async def test_an_error_is_no_hang(bench: Bench, shop: Shop) -> None:
    played = await bench.play("web/hung-web-process", **(shop.inputs("/broken") | {"patience": 10}))
    assert played.outcome == "not_needed"
    assert "500" in played.said["it is silent"]


async def test_a_port_that_another_program_holds_is_no_reason_for_a_restart(
    bench: Bench, runit: Runit, shop: Shop
) -> None:
    shop.deadlock()
    other = runit.start("other", "exec sleep 1000")
    before = runit.pid(other)
    played = await bench.play("web/hung-web-process", **(shop.inputs() | {"unit": str(other)}))
    assert played.outcome == "failed"
    assert "restarting that would not help" in played.said["make sure that it is the unit"]
    assert runit.pid(other) == before


async def test_a_certificate_of_another_name_is_no_hindrance(
    bench: Bench, runit: Runit, ports: Callable[[], int], tmp_path: Path
) -> None:
    """Asked from its own host, a server that speaks TLS is not called as its certificate is."""
    server = Server(runit, ports(), tmp_path)
    runit.freeze(server.unit)
    inputs = {"host": "web-1", "url": f"https://{server.address}/", "unit": str(server.unit), "supervisor": "runit"}
    played = await bench.play("web/hung-web-process", **inputs, patience=0.5, young=0)
    assert played.outcome == "proved", played
