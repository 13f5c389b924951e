"""Commands in pods: which pod, what it is given, what is left."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.kubernetes.test_command_contract import CommandBench, begin_pod, bench, make, pod

from firstline.errors import Rejected, Unavailable
from firstline.executor import Handle, State
from firstline.executors.process import tree
from firstline.testing.executor import text_of, until
from firstline.testing.kubernetes import World

__all__ = ["bench", "pod"]

pytestmark = pytest.mark.anyio


async def test_secrets_reach_the_command_and_stand_in_no_url_and_no_record(bench: CommandBench, tmp_path: Path) -> None:
    value = "it's a\nsecret $HOME `x`"
    handle = await bench.start(("sh", "-c", 'printf %s "$PASSWORD" | wc -c'), secrets={"PASSWORD": value})
    assert text_of(await bench.end(handle)).strip() == str(len(value))
    records = "".join(file.read_text() for file in (tmp_path / "runs" / handle.step).glob("*.json"))
    assert "secret" not in records + handle.model_dump_json()


async def test_an_older_cluster_speaks_the_fourth_protocol(bench: CommandBench, world: World) -> None:
    whole, world.protocols = world.protocols, world.protocols[1:]
    progress = await bench.end(await bench.start(("echo", "hello")))
    world.protocols = whole
    assert text_of(progress) == "hello\n"


async def test_a_working_directory_is_entered(bench: CommandBench, tmp_path: Path) -> None:
    progress = await bench.end(await bench.start(("pwd",), directory=str(tmp_path)))
    assert text_of(progress) == f"{tmp_path}\n"


async def test_a_pod_is_chosen_by_its_labels_when_it_is_the_only_one(bench: CommandBench, cluster_url: str) -> None:
    told: dict[str, Any] = {"parameters": {"exec": {"selector": "app=web"}}, "target": "local"}
    assert (await bench.end(await bench.start(("true",), **told))).state is State.SUCCEEDED
    begin_pod(cluster_url, "web-2")
    with pytest.raises(Rejected, match="2 pods of app=web"):
        await bench.start(("true",), **told)
    either: dict[str, Any] = {"parameters": {"exec": {"selector": "app=web", "pod": "any"}}, "target": "local"}
    handle = await bench.start(("true",), **either)
    await bench.end(handle)
    assert handle.where == "exec/default/web-1/main"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target": "web1"}, "is not .*pod/NAME"),
        ({"target": "pod/none"}, '"none" not found'),
        ({"target": "kube-system/pod/dns"}, "namespace 'kube-system'"),
        ({"target": "local"}, "either a target or a selector"),
        (
            {"target": "local", "parameters": {"exec": {"selector": "app=none"}}},
            "no pod of app=none in default is ready",
        ),
        ({"parameters": {"exec": {"container": "side"}}}, "has the containers main"),
        ({"environment": {"a-b": "c"}}, "can't set a-b"),
    ],
)
async def test_what_names_no_pod_is_refused(bench: CommandBench, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        await bench.start(("true",), **fields)


async def test_a_program_of_the_runbook_is_refused(bench: CommandBench, tmp_path: Path) -> None:
    (tmp_path / "mend.sh").write_text("#!/bin/sh\n")
    with pytest.raises(Rejected, match="run it as a Job"):
        await bench.start(("./mend.sh",), folder=str(tmp_path))


@pytest.mark.parametrize("verb", ["get", "create"])
async def test_a_refused_command_may_be_tried_again(bench: CommandBench, world: World, verb: str) -> None:
    """A WebSocket's GET is the verb `get`; since 1.35 `create` is looked at too."""
    world.denied.add((verb, "pods/exec"))
    [_, finding] = await bench.executor.check()
    assert finding.message == f"not permitted: {verb} pods/exec"
    with pytest.raises(Rejected, match="forbidden"):
        await bench.start(("true",), id=f"twice-{verb}")
    world.denied.clear()
    assert (await bench.end(await bench.start(("true",), id=f"twice-{verb}"))).state is State.SUCCEEDED


async def test_in_an_image_without_a_shell_nothing_is_begun(bench: CommandBench, world: World) -> None:
    world.bare.add("busybox:1.36")
    with pytest.raises(Rejected, match="executable file not found"):
        await bench.start(("true",), id="bare")
    world.bare.clear()
    assert (await bench.end(await bench.start(("true",), id="bare"))).state is State.SUCCEEDED


async def test_a_node_that_can_t_be_reached_has_begun_nothing_and_is_asked_again(
    bench: CommandBench, world: World
) -> None:
    world.cut.add("web-1")
    with pytest.raises(Unavailable, match="error dialing backend"):
        await bench.start(("true",), id="cut")
    world.cut.clear()
    assert (await bench.end(await bench.start(("true",), id="cut"))).state is State.SUCCEEDED


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "], ids=["obedient", "stubborn"])
async def test_who_cleans_its_environment_is_ended_too(bench: CommandBench, tmp_path: Path, trap: str) -> None:
    """As `su` does. Whoever began it may be gone before it."""
    file = tmp_path / "worker"
    work = f"{trap}echo $$ > {file}; while :; do sleep 0.05; done"
    handle = await bench.start(("sh", "-c", 'env -i PATH="$PATH" sh -c "$1" & wait', "sh", work))
    await until(lambda: file.exists() and file.read_text().endswith("\n"))
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED
    worker = tree.look(int(file.read_text()))
    assert worker is None or worker.state == "Z"


async def test_the_pod_itself_ends_a_command_whose_hub_is_gone(cluster_url: str, pod: str, tmp_path: Path) -> None:
    first = make(cluster_url, tmp_path, kill_grace=0)
    bench = CommandBench(lambda: make(cluster_url, tmp_path))
    work = f"echo $$ > {tmp_path}/worker; exec sleep 100000"
    handle: Handle = await bench.start(("sh", "-c", work), first, timeout=0.5)
    await until((tmp_path / "worker").exists)
    await first.aclose()
    progress = await bench.executor.watch(handle)
    while "nothing of it runs" not in progress.detail:
        progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "the hub was ended" in progress.detail
    await bench.aclose()
