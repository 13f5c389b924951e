"""Workflows: their jobs, their approvals, and what they would leave out."""

from typing import Any

import pytest
from tests.integration.awx.case import EVERYTHING, AwxBench, hello

from firstline.errors import Rejected
from firstline.executor import State
from firstline.testing.awx import World
from firstline.testing.awx.world import WorkflowTemplate
from firstline.testing.executor import text_of

pytestmark = pytest.mark.anyio


async def test_a_workflow_s_jobs_are_told_one_after_the_other(bench: AwxBench, world: World) -> None:
    world.templates.append(hello())
    world.workflows.append(
        WorkflowTemplate(5, "both", (hello(), hello(name="good bye", run=lambda _: ["echo", "bye"])))
    )
    progress = await bench.end(await bench.start((), parameters={"workflow_template": "both"}))
    first, second = (part.id for part in world.jobs[0].parts)
    assert progress.state is State.SUCCEEDED
    assert text_of(progress) == f"=== hello (job {first}) ===\nhello\n=== good bye (job {second}) ===\nbye\n"


async def test_a_workflow_that_failed_says_where(bench: AwxBench, world: World) -> None:
    world.workflows.append(WorkflowTemplate(5, "both", (hello(name="bad", run=lambda _: ["false"]), hello())))
    progress = await bench.end(await bench.start((), parameters={"workflow_template": 5}))
    assert progress.state is State.FAILED
    assert "failed in it: bad (2)" in progress.detail


async def test_a_workflow_that_waits_for_an_approval_says_so_and_can_be_cancelled(
    bench: AwxBench, world: World
) -> None:
    world.workflows.append(WorkflowTemplate(5, "asks", (None, hello())))
    handle = await bench.start((), parameters={"workflow_template": "asks"})
    progress = await bench.executor.watch(handle)
    while "approval" not in progress.detail:
        progress = await bench.executor.watch(handle)
    assert progress.state is State.RUNNING
    await bench.executor.cancel(handle)
    assert (await bench.executor.watch(handle)).state is State.CANCELLED
    assert [job.kind for job in world.jobs] == ["workflow_job"]


async def test_a_workflow_whose_template_would_leave_out_the_limit_is_refused(bench: AwxBench, world: World) -> None:
    """It would run on all hosts of its inventory; also two workflows down."""
    deaf = hello(id=9, name="deaf", asks=EVERYTHING - {"limit", "tags"})
    inner = WorkflowTemplate(6, "inner", (None, deaf), asks=EVERYTHING)
    world.workflows.append(WorkflowTemplate(5, "outer", (hello(), inner), asks=EVERYTHING))
    told: dict[str, Any] = {"workflow_template": "outer", "tags": ["quick"]}
    with pytest.raises(Rejected, match="'deaf' in the workflow does not prompt for job_tags, limit"):
        await bench.start((), parameters=told, target="web1")
    assert world.launches == 0
