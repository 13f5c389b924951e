"""A node whose kubelet is a real process that hangs, and an API that is a stand-in."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.packs.cluster import Cluster, Node
from tests.acceptance.packs.conftest import SECRETS, Bench, Runit

from firstline.declaration import Json
from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio

SCRIPT = "kubernetes/node-not-ready"
KUBELET = """
import json, sys, time, urllib.request
from datetime import datetime, timezone
while True:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    body = json.dumps({"spec": {"renewTime": now}}).encode()
    kind = {"Content-Type": "application/merge-patch+json", "Authorization": f"Bearer {sys.argv[2]}"}
    urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, kind, method="PATCH")).read()
    time.sleep(0.2)
"""


class World:
    def __init__(self, runit: Runit, loopback: Callable[[Any], str], folder: Path) -> None:
        self._runit = runit
        self.node, self.other = Node("worker-7", has_kubelet=True), Node("worker-8")
        server = loopback(Cluster(SECRETS["kubernetes"], self.node, self.other).app())
        lease = f"{server}/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/worker-7"
        token = SECRETS["kubernetes"]
        (folder / "kubelet.py").write_text(KUBELET)
        self.kubelet = runit.start("kubelet", f"exec {sys.executable} {folder}/kubelet.py {lease} {token}")
        self.inputs: dict[str, Json] = {"node": "worker-7", "server": server, "unit": str(self.kubelet)}
        self.inputs |= {"supervisor": "runit", "seconds": 1, "young": 0}

    def hang(self) -> int:
        """The kubelet is silent, and the control plane has noticed for longer than a second."""
        pid = self._runit.freeze(self.kubelet)
        eventually(lambda: self.node.ready == "Unknown")
        return pid


@pytest.fixture
def world(runit: Runit, loopback: Callable[[Any], str], tmp_path: Path) -> World:
    return World(runit, loopback, tmp_path)


async def test_a_kubelet_that_hangs_is_restarted_and_the_node_is_ready(
    bench: Bench, runit: Runit, world: World
) -> None:
    before = world.hang()
    played = await bench.play(SCRIPT, **(world.inputs | {"seconds": 0}))
    assert played.outcome == "proved", played
    assert runit.pid(world.kubelet) != before
    assert "Kubelet stopped posting node status." in played.said["look at the node"]
    assert "shop/shop-7d4f: Running" in played.said["look at the node"]


async def test_where_it_is_not_this_kubelet_nothing_is_restarted(bench: Bench, runit: Runit, world: World) -> None:
    inputs = world.inputs | {"seconds": 0}
    before = world.hang()
    world.node.spec["unschedulable"] = True
    cordoned = await bench.play(SCRIPT, **inputs)
    world.node.spec.clear()
    world.node.pressure = "True"
    short = await bench.play(SCRIPT, **inputs)
    world.node.pressure = "False"
    world.other.has_kubelet = True  # and has none that reports
    eventually(lambda: world.other.ready == "Unknown")
    both = await bench.play(SCRIPT, **inputs)
    why = [played.said["make sure that it is its kubelet"] for played in (cordoned, short, both)]
    assert "somebody has cordoned it" in why[0]
    assert "the node reported DiskPressure" in why[1]
    assert "2 nodes are not ready, worker-8 too" in why[2]
    assert runit.pid(world.kubelet) == before


async def test_a_node_that_is_ready_needs_nothing(bench: Bench, world: World) -> None:
    assert (await bench.play(SCRIPT, **(world.inputs | {"node": "worker-8"}))).outcome == "not_needed"


async def test_a_node_that_nobody_knows_is_no_healthy_one(bench: Bench, world: World) -> None:
    played = await bench.play(SCRIPT, **(world.inputs | {"node": "worker-9"}))
    assert played.outcome == "blind"
    assert 'nodes "worker-9" not found' in played.said["it is not ready"]
