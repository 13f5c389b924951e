"""A node that flaps, in an API that is a stand-in."""

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from tests.acceptance.packs.cluster import Cluster, Node
from tests.acceptance.packs.conftest import PACKS, SECRETS, Bench

from firstline.declaration import Json

pytestmark = pytest.mark.anyio

SCRIPT = "kubernetes/node-flapping"
OURS = {"firstline/cordoned": "yes"}


class World:
    def __init__(self, loopback: Callable[[Any], str]) -> None:
        self.node, *self.others = [Node(f"worker-{number}") for number in (7, 8, 9)]
        self.cluster = Cluster(SECRETS["kubernetes"], self.node, *self.others)
        self.cluster.unready = 4
        self.inputs: dict[str, Json] = {"node": "worker-7", "server": loopback(self.cluster.app())}


@pytest.fixture
def world(loopback: Callable[[Any], str]) -> World:
    return World(loopback)


def test_the_runbooks_of_a_node_have_the_same_script() -> None:
    assert len({copy.read_bytes() for copy in PACKS.glob("kubernetes/runbooks/*/node")}) == 1


async def test_a_node_that_flaps_takes_no_new_pods(bench: Bench, world: World) -> None:
    world.node.restless = 2  # its record changes meanwhile: the patch is made anew, of the record as it is then
    played = await bench.play(SCRIPT, **world.inputs)
    assert played.outcome == "proved", played
    assert (world.node.spec, world.node.annotations) == ({"unschedulable": True}, OURS)
    assert [each.spec for each in world.others] == [{}, {}]


def run(world: World, verb: str) -> str:
    access = {"KUBERNETES_SERVER": str(world.inputs["server"]), "KUBERNETES_TOKEN": SECRETS["kubernetes"]}
    command = [str(PACKS / "kubernetes/runbooks/node-flapping/node"), verb, "worker-7"]
    return subprocess.run(command, env=os.environ | access, check=True, capture_output=True, text=True).stdout


def test_an_undo_leaves_the_node_as_it_was(world: World) -> None:
    run(world, "cordon")
    assert "takes pods again" in run(world, "uncordon")
    assert (world.node.spec, world.node.annotations) == ({}, {})
    assert "was not cordoned here" in run(world, "uncordon")


async def test_a_node_whose_record_never_rests_is_left_as_it_is(bench: Bench, world: World) -> None:
    world.node.restless = 100
    played = await bench.play(SCRIPT, **world.inputs)
    assert played.outcome == "failed"
    assert "the object has been modified" in played.said["cordon it"]
    assert "was not cordoned here" in played.said["uncordon it"]
    assert world.node.spec == {}


async def test_only_its_own_cordon_is_undone(bench: Bench, world: World) -> None:
    world.node.spec["unschedulable"] = True
    played = await bench.play(SCRIPT, **world.inputs)
    assert "somebody has cordoned it" in played.said["make sure that it can be spared"]
    assert world.node.spec == {"unschedulable": True}


async def test_a_cluster_that_can_not_spare_it_keeps_it(bench: Bench, world: World) -> None:
    world.others[0].spec["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    few = await bench.play(SCRIPT, **world.inputs)
    world.others[0].spec = {"unschedulable": True}
    many = await bench.play(SCRIPT, **(world.inputs | {"left": 1}))
    assert "only 1 other nodes would take pods" in few.said["make sure that it can be spared"]
    assert "2 nodes would be cordoned, more than 1" in many.said["make sure that it can be spared"]
    assert world.node.spec == {}


async def test_a_node_that_was_not_ready_once_does_not_flap(bench: Bench, world: World) -> None:
    world.cluster.unready = 1
    assert (await bench.play(SCRIPT, **world.inputs)).outcome == "not_needed"
