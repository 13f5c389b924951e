"""A real dnsmasq, that hangs."""

import subprocess
from collections.abc import Callable

import pytest
from tests.acceptance.packs.conftest import PACKS, Bench, Runit

from firstline.declaration import Json
from firstline.testing.patience import eventually
from firstline.testing.peer import need

pytestmark = pytest.mark.anyio

Inputs = dict[str, Json]


class Resolvers:
    """One on the host, and the one that it asks."""

    def __init__(self, runit: Runit, port: Callable[[], int]) -> None:
        self.upstream_port, self.port = port(), port()
        self.upstream = runit.start("upstream", _dnsmasq(self.upstream_port, "--address=/shop.test/192.0.2.7"))
        self.unit = runit.start("resolver", _dnsmasq(self.port, f"--server=127.0.0.1#{self.upstream_port}"))

    @property
    def inputs(self) -> Inputs:
        where: Inputs = {"port": self.port, "upstream": "127.0.0.1", "upstream_port": self.upstream_port}
        where |= {"seconds": 1}
        return where | {"host": "app-2", "name": "shop.test", "unit": str(self.unit), "supervisor": "runit", "young": 0}

    def answers(self) -> bool:
        asked = [
            str(PACKS / "linux/runbooks/resolver-down/resolver"),
            "answers",
            "1",
            "shop.test",
            "127.0.0.1",
            str(self.port),
        ]
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _dnsmasq(port: int, *more: str) -> str:
    own = "--keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user= --pid-file= --bind-interfaces"
    found = need("dnsmasq", package="dnsmasq-base")
    return f"exec {found} {own} --listen-address=127.0.0.1 --port={port} {' '.join(more)} 2>/dev/null"


@pytest.fixture
def resolvers(runit: Runit, ports: Callable[[], int]) -> Resolvers:
    made = Resolvers(runit, ports)
    eventually(made.answers)
    return made


async def test_a_resolver_that_hangs_is_restarted(bench: Bench, runit: Runit, resolvers: Resolvers) -> None:
    before = runit.freeze(resolvers.unit)
    played = await bench.play("linux/resolver-down", **resolvers.inputs)
    assert played.outcome == "proved", played
    assert runit.pid(resolvers.unit) != before
    assert "silence" in played.said["the resolver is silent"]


async def test_where_the_server_behind_it_is_silent_nothing_is_restarted(
    bench: Bench, runit: Runit, resolvers: Resolvers
) -> None:
    runit.freeze(resolvers.upstream)
    before = runit.pid(resolvers.unit)
    played = await bench.play("linux/resolver-down", **(resolvers.inputs | {"seconds": 0.3}))
    assert played.outcome == "failed"
    assert "the trouble is there or in the network" in played.said["ask the server behind it"]
    assert runit.pid(resolvers.unit) == before


async def test_a_name_that_there_is_not_is_an_answer_all_the_same(bench: Bench, resolvers: Resolvers) -> None:
    played = await bench.play("linux/resolver-down", **(resolvers.inputs | {"name": "no-such-name.shop.test"}))
    assert played.outcome == "not_needed", played
