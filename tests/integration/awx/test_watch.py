"""Watching a job: its output, its end, where it ran, and what can't be told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from tests.integration.awx.case import AwxBench, executor, hello, told

from firstline.errors import Unavailable
from firstline.executor import State, Step
from firstline.executors.awx import AwxExecutor
from firstline.executors.awx.run import Address, Run
from firstline.testing.awx import World
from firstline.testing.awx.world import WorkflowTemplate
from firstline.testing.executor import text_of
from firstline.testing.fault import Fault, Kind

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("hosts", "words"),
    [(("web1", "web2"), ""), (("web1",), "it did not run on web2"), (("db1",), "it did not run on web1, web2")],
)
@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_a_success_that_left_targets_out_is_none(
    bench: AwxBench, world: World, hosts: tuple[str, ...], words: str, depth: int
) -> None:
    """Ansible leaves out hosts that the inventory does not have, and calls the rest a success."""
    template: Any = hello(hosts=hosts)
    for number in range(depth):
        template = WorkflowTemplate(5 + number, f"around-{number}", (template,))
    (world.workflows if depth else world.templates).append(template)
    kind = "workflow_template" if depth else "job_template"
    handle = await bench.start((), parameters={kind: template.name}, targets=("web1", "web2"))
    progress = await bench.end(handle)
    assert progress.state is (State.FAILED if words else State.SUCCEEDED)
    assert words in progress.detail
    assert "hello" in text_of(progress)


async def test_hosts_that_can_not_be_told_are_said_to_be_unknown(
    bench: AwxBench, world: World, faults: list[Fault]
) -> None:
    world.templates.append(hello())
    handle = await bench.start((), **told(), target="web1")
    faults.append(Fault(Kind.FORBIDDEN, "GET", times=1_000, path="job_host_summaries"))
    progress = await bench.end(handle)
    assert progress.state is State.SUCCEEDED
    assert "on which hosts it ran can't be told" in progress.detail


async def test_hosts_that_nobody_asked_for_are_told(bench: AwxBench, world: World) -> None:
    world.templates.append(hello())
    handle = await bench.start((), **told(), target="web1")
    await bench.end(handle)
    world.jobs[0].fields["limit"] = "web1,web9"
    assert "nobody asked for it, on web9" in (await bench.another().watch(handle)).detail


async def test_a_template_that_is_cut_into_slices_is_one_run(bench: AwxBench, world: World) -> None:
    world.templates.append(hello(slices=2))
    handle = await bench.start((), **told(), id="cut")
    progress = await bench.end(handle)
    assert text_of(progress).count("hello\n") == 2
    again = await bench.start((), **told(), id="cut")
    assert again == handle


async def test_output_that_is_saved_out_of_order_is_shown_in_order_and_whole(bench: AwxBench, world: World) -> None:
    world.lag = 0.05
    program = "for n in 1 2 3 4 5 6; do echo $n; sleep 0.02; done"
    handle = await bench.start(("sh", "-c", program))
    progress = await bench.end(handle)
    assert text_of(progress) == "1\n2\n3\n4\n5\n6\n"


async def test_set_stats_are_the_outputs(bench: AwxBench, world: World) -> None:
    program = """echo '{"host": "web1", "count": 3}' > $ARTIFACTS"""
    progress = await bench.end(await bench.start(("sh", "-c", program)))
    assert progress.outputs == {"host": "web1", "count": 3}


async def test_a_long_line_is_shown_whole(bench: AwxBench, world: World) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", "printf '%05000d' 7")))
    assert len(text_of(progress)) == 5001


async def test_a_job_that_was_deleted_is_unknown(bench: AwxBench, world: World) -> None:
    handle = await bench.start(("true",))
    await bench.end(handle)
    world.jobs.clear()
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "deleted" in progress.detail
    bench._handles.clear()


async def test_a_job_that_goes_on_after_its_cancel_is_not_called_cancelled(
    url: str, world: World, tmp_path: Path
) -> None:
    world.cancels = False
    awx = executor(url, tmp_path, cancel_within=0.1)
    told: dict[str, Any] = {"job_template": "program", "extra_vars": {"program": ["sleep", "100000"]}}
    handle = await awx.start(Step(id="stubborn", parameters=told))
    with pytest.raises(Unavailable, match="goes on"):
        await awx.cancel(handle)
    world.cancels = True
    await awx.cancel(handle)
    await awx.aclose()


async def test_a_busy_awx_is_asked_again(bench: AwxBench, faults: list[Fault]) -> None:
    handle = await bench.start(("true",))
    faults.append(Fault(Kind.BAD_GATEWAY, "GET"))
    with pytest.raises(Unavailable):
        await bench.executor.watch(handle)
    assert (await bench.end(handle)).state is State.SUCCEEDED


@pytest.mark.parametrize("odd", [None, [], {}, {"status": {}, "id": 1}, {"status": "failed", "created": "x"}])
async def test_an_answer_that_is_none_of_awx_s_is_no_end(
    bench: AwxBench, world: World, stand: tuple[Any, str], odd: Any
) -> None:
    handle = await bench.start(("true",))
    well, stand[0].app = stand[0].app, JSONResponse(odd)
    for ask in (bench.executor.watch, bench.executor.cancel):
        with pytest.raises(Unavailable, match=r"no answer of AWX's|not understood"):
            await ask(handle)
    assert [finding.ok for finding in await bench.executor.check()] == [False]
    stand[0].app = well
    assert (await bench.end(handle)).state is State.SUCCEEDED


async def test_an_account_that_is_not_let_in_any_more_does_not_end_a_run(bench: AwxBench, world: World) -> None:
    handle = await bench.start(("true",))
    mine, world.token = world.token, "another"
    for ask in (bench.executor.watch, bench.executor.cancel):
        with pytest.raises(Unavailable, match="401"):
            await ask(handle)
    world.token = mine
    assert (await bench.end(handle)).state is State.SUCCEEDED


async def test_two_who_look_at_once_see_each_what_they_asked_for(bench: AwxBench, world: World) -> None:
    """One of them had asked before there was a second job in the workflow."""
    world.workflows.append(WorkflowTemplate(5, "asks", (None, hello())))
    handle = await bench.start((), parameters={"workflow_template": "asks"})
    address = Address.parse(handle.where)
    assert address is not None
    assert isinstance(bench.executor, AwxExecutor)
    run = Run(bench.executor._api, address)
    early = await run.sight()
    while not early.parts:
        early = await run.sight()
    world.jobs[0].parts[0].status = "successful"
    await bench.end(handle)
    late = await run.sight()
    seen, _ = await asyncio.gather(run.look(0, late, {}), run.look(0, early, {}))
    assert "hello\n" in text_of(seen)
