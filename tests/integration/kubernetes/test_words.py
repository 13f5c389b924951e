"""What a Job, its pods and their log say, in the words of the contract."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from firstline.executor import PIECE, State
from firstline.executors.kubernetes import window
from firstline.executors.kubernetes.manifest import CANCELLED, CONTAINER
from firstline.executors.kubernetes.pod import detail_of, exit_status, failure, message, state_of, waiting, waits_since

pytestmark = pytest.mark.anyio


def job(*conditions: tuple[str, str], **annotations: str) -> dict[str, Any]:
    listed = [{"type": kind, "status": "True", "reason": reason, "message": ""} for kind, reason in conditions]
    return {"metadata": {"annotations": annotations}, "spec": {}, "status": {"conditions": listed}}


def pod(phase: str, end: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    containers = [{"name": "main", "state": {"terminated": end}}] if end else []
    told = {"phase": phase, "containerStatuses": containers, **status}
    return {"metadata": {"name": f"a-{phase}"}, "spec": {"containers": [{"name": "main"}]}, "status": told}


def test_memory_that_ran_out_is_told() -> None:
    assert "OOMKilled" in failure(pod("Failed", {"exitCode": 137, "reason": "OOMKilled"}))


def test_a_pod_that_was_evicted_says_why() -> None:
    assert failure(pod("Failed", reason="Evicted", message="low on memory")) == "Evicted: low on memory"


def test_what_was_done_to_the_pod_is_told_beside_the_end_of_its_container() -> None:
    """A node ends the containers of what it evicts, so that they have an exit status too."""
    end = {"exitCode": 137, "reason": "Error"}
    assert failure(pod("Failed", end, reason="Evicted", message="low on memory")) == (
        "exit status 137; Evicted: low on memory"
    )
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    assert failure(pod("Failed", end, conditions=[disrupted])) == "exit status 137; PreemptionByScheduler"


def test_what_the_node_says_of_a_program_that_did_not_begin_is_no_output_of_it() -> None:
    words = "failed to create containerd task: key=value"
    assert message(pod("Failed", {"exitCode": 128, "reason": "StartError", "message": words})) == ""
    assert message(pod("Failed", {"exitCode": 1, "reason": "Error", "message": "freed=1"})) == "freed=1"


def test_a_job_that_kubernetes_began_twice_says_so() -> None:
    pods = [pod("Failed"), pod("Succeeded")]
    detail = detail_of(job(("Complete", "CompletionsReached")), pods, State.SUCCEEDED)
    assert "began it 2 times (a-Failed, a-Succeeded)" in detail


def test_a_container_that_a_mesh_put_before_the_step_s_own_is_not_taken_for_it() -> None:
    injected = pod("Running", {"exitCode": 3, "reason": "Error"})
    injected["metadata"]["annotations"] = {CONTAINER: "main"}
    injected["spec"]["containers"].insert(0, {"name": "istio-proxy"})
    injected["status"]["containerStatuses"].insert(0, {"name": "istio-proxy", "state": {"running": {}}})
    assert exit_status(injected) == 3
    assert waiting(injected) == "main has ended (exit status 3), and its pod waits for istio-proxy"


def test_a_pod_that_its_node_does_not_end_says_so() -> None:
    evicted = pod(
        "Running", conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
    )
    evicted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert "being ended: EvictionByEvictionAPI; a node that does not answer may go on" in waiting(evicted)


@pytest.mark.parametrize(("policy", "waits"), [({}, False), ({"restartPolicy": "Always"}, True)])
def test_a_pod_whose_init_container_works_does_not_wait(policy: dict[str, str], *, waits: bool) -> None:
    preparing = pod("Pending", initContainerStatuses=[{"name": "first", "state": {"running": {}}}])
    preparing["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    preparing["spec"]["initContainers"] = [{"name": "first", **policy}]
    assert bool(waits_since(job(), [preparing])) is waits


def test_a_job_that_kubernetes_is_ending_says_why() -> None:
    ending = job(("FailureTarget", "DeadlineExceeded"))
    assert detail_of(ending, [pod("Running")], State.RUNNING) == "Kubernetes is ending it: DeadlineExceeded"


def test_a_job_has_not_ended_before_its_pods() -> None:
    failed = job(("FailureTarget", "DeadlineExceeded"), ("Failed", "DeadlineExceeded"))
    assert state_of(failed, [pod("Running")]) is State.RUNNING
    assert state_of(failed, []) is State.TIMED_OUT


def test_what_was_complete_before_its_cancel_has_succeeded() -> None:
    assert state_of(job(("Complete", ""), **{CANCELLED: "now"}), []) is State.SUCCEEDED
    assert state_of(job(("Failed", "DeadlineExceeded"), **{CANCELLED: "now"}), []) is State.CANCELLED


async def pieces(text: bytes, size: int = 1000) -> AsyncGenerator[bytes, None]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


async def test_a_long_text_is_given_in_pieces_each_time_the_same() -> None:
    text = "äöü€".encode() * 400_000
    seen, offset, more = "", 0, True
    while more:
        window_ = await window.ended(pieces(text, 70_001), offset, len(text))
        seen += "".join(chunk.text for chunk in window_.output)
        assert sum(len(chunk.text.encode()) for chunk in window_.output) <= PIECE
        offset, more = window_.offset, window_.more
    assert seen == text.decode()


async def test_head_and_tail_do_not_split_a_character() -> None:
    text = "€".encode() * 100
    seen = await window.ended(pieces(text), 0, 100)
    assert [chunk.text for chunk in seen.output] == ["€" * 16, "€" * 16]
    assert [chunk.offset for chunk in seen.output] == [0, 252]
    assert (seen.dropped, seen.offset) == (204, 300)


async def test_a_growing_text_shows_its_head_and_no_half_characters() -> None:
    text = "€".encode() * 10
    early = await window.growing(pieces(text[:4]), 0, 1000)
    assert ([chunk.text for chunk in early.output], early.offset) == (["€"], 3)
    late = await window.growing(pieces(text * 100), early.offset, 100)
    assert (late.offset, late.more) == (48, False)
