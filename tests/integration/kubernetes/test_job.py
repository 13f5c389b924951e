"""Jobs: what is asked of the cluster, what waits, what is amiss."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.kubernetes.test_job_contract import JOB, JobBench

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import Bounds, Sandbox, State
from firstline.executors.kubernetes import KubernetesExecutor, KubernetesSettings
from firstline.executors.kubernetes.access import access_of
from firstline.executors.kubernetes.cluster import PODS, Cluster
from firstline.executors.kubernetes.health import version_of
from firstline.executors.kubernetes.manifest import name_of
from firstline.testing.executor import text_of
from firstline.testing.kubernetes import World
from firstline.testing.kubernetes.world import TOKEN
from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
def namespace() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def settings(cluster_url: str, namespace: str, tmp_path: Path) -> dict[str, Any]:
    return {"url": cluster_url, "token": TOKEN, "namespace": namespace, "directory": tmp_path, "kill_grace": 0}


@pytest.fixture
async def bench(settings: dict[str, Any]) -> AsyncIterator[JobBench]:
    bench = JobBench(lambda: KubernetesExecutor(KubernetesSettings.model_validate(settings)))
    yield bench
    await bench.aclose()


@pytest.fixture
async def cluster(settings: dict[str, Any]) -> AsyncIterator[Cluster]:
    cluster = Cluster(access_of(KubernetesSettings.model_validate(settings)))
    yield cluster
    await cluster.aclose()


def job_in(world: World, namespace: str) -> dict[str, Any]:
    [job] = world.all("jobs", namespace)
    return job


async def test_a_job_runs_once_at_most_and_its_time_out_is_the_cluster_s_own(
    bench: JobBench, world: World, namespace: str
) -> None:
    await bench.end(await bench.start(("true",), timeout=20, bounds=Bounds(memory=1_000_000)))
    spec = job_in(world, namespace)["spec"]
    pod = spec["template"]["spec"]
    assert (spec["backoffLimit"], spec["parallelism"], spec["completions"]) == (0, 1, 1)
    assert (pod["restartPolicy"], pod["activeDeadlineSeconds"]) == ("Never", 20)
    assert spec["activeDeadlineSeconds"] == 20 + 120
    assert pod["containers"][0]["resources"]["limits"]["memory"] == "1000000"


async def test_secrets_are_in_a_secret_of_the_job_s_own_and_nowhere_else(
    bench: JobBench, world: World, namespace: str
) -> None:
    run = ("sh", "-c", 'printf %s "$PASSWORD" | wc -c')
    handle = await bench.start(run, secrets={"PASSWORD": "s3cret-value"})
    progress = await bench.end(handle)
    [secret] = world.all("secrets", namespace)
    job = job_in(world, namespace)
    assert text_of(progress).strip() == "12"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    assert "s3cret-value" not in f"{job} {world.all('pods', namespace)} {handle} {progress}"


async def test_a_secret_of_another_s_is_not_used(bench: JobBench, world: World, namespace: str) -> None:
    name = name_of("mine")
    world.objects["secrets", namespace, name] = {"metadata": {"name": name, "namespace": namespace}, "data": {}}
    with pytest.raises(Rejected, match="none of ours"):
        await bench.start(("true",), id="mine", secrets={"PASSWORD": "s3cret-value"})
    assert world.all("pods", namespace) == []


async def test_a_program_of_the_runbook_is_brought_along(bench: JobBench, tmp_path: Path) -> None:
    script = tmp_path / "mend.sh"
    script.write_text('#!/bin/sh\necho "mending $1"\n')
    for program in ("./mend.sh", str(script)):
        progress = await bench.end(await bench.start((program, "disk $HOME $(HOSTNAME)"), folder=str(tmp_path)))
        assert text_of(progress) == "mending disk $HOME $(HOSTNAME)\n"
    with pytest.raises(Rejected, match="leaves the runbook's folder"):
        await bench.start(("./../../etc/passwd",), folder=str(tmp_path))


async def test_a_template_of_the_runbook_is_filled_in(
    bench: JobBench, world: World, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "job.yaml").write_text(TEMPLATE)
    told: dict[str, Any] = {
        "parameters": {"template": "./job.yaml"},
        "folder": str(tmp_path),
        "environment": {"WHO": "world"},
    }
    progress = await bench.end(await bench.start((), **told))
    assert text_of(progress) == "hello world, kept\n"
    assert job_in(world, namespace)["metadata"]["labels"]["team"] == "ops"


TEMPLATE = """
apiVersion: batch/v1
kind: Job
metadata: {name: any, labels: {team: ops}}
spec:
  template:
    spec:
      containers:
        - name: greet
          image: busybox:1.36
          command: [sh, -c, 'echo "hello $$WHO, $$MORE"']
          env: [{name: WHO, value: nobody}, {name: MORE, value: kept}]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  template:", "  backoffLimit: 3\n  template:", "says spec.backoffLimit: 3"),
        ("      containers:", "      restartPolicy: OnFailure\n      containers:", "says restartPolicy"),
        ("kind: Job", "kind: CronJob", "no Job"),
        ("          image:", "          imag:", "unknown field"),
        ("apiVersion", "{", "can't be read"),
    ],
)
async def test_a_template_that_could_run_twice_or_is_misspelt_is_refused(
    bench: JobBench, tmp_path: Path, old: str, new: str, words: str
) -> None:
    (tmp_path / "job.yaml").write_text(TEMPLATE.replace(old, new, 1))
    with pytest.raises(Rejected, match=words):
        await bench.start((), parameters={"template": "./job.yaml"}, folder=str(tmp_path))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sandbox": Sandbox()}, "sandbox"),
        ({"bounds": Bounds(cpu=1)}, "cpu"),
        ({"parameters": {**JOB, "namespace": "kube-system"}}, "namespace 'kube-system'"),
        ({"parameters": {}}, "one of job, template and exec"),
    ],
)
async def test_what_can_t_be_kept_to_is_refused(bench: JobBench, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        await bench.start(("true",), **fields)


async def test_outputs_are_what_is_written_to_the_termination_log(bench: JobBench) -> None:
    progress = await bench.end(await bench.start(("sh", "-c", "echo freed=12 >> $FIRSTLINE_OUTPUT")))
    assert progress.outputs == {"freed": "12"}
    much = await bench.end(await bench.start(("sh", "-c", "printf 'x=%05000d' 7 >> $FIRSTLINE_OUTPUT")))
    assert much.outputs == {}
    assert "4096 bytes" in much.detail


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"image": "registry.example/none:1"}, "ImagePullBackOff"),
        ({"image": "busybox:1.36", "node_selector": {"disk": "none"}}, "no node takes it: Unschedulable"),
    ],
)
async def test_a_pod_that_waits_says_for_what_and_is_given_up_after_a_while(
    bench: JobBench, settings: dict[str, Any], job: dict[str, Any], words: str
) -> None:
    handle = await bench.start(("true",), parameters={"job": job})
    progress = await bench.executor.watch(handle)
    while words not in progress.detail:
        progress = await bench.executor.watch(handle)
    assert progress.state is State.RUNNING
    settings["start_within"] = 0.01
    hasty = bench.another()
    while not progress.state.ended:
        progress = await hasty.watch(handle)
    assert progress.state is State.FAILED
    assert words in progress.detail


async def test_a_pod_that_was_deleted_from_outside_has_failed_and_is_not_begun_again(
    bench: JobBench, cluster: Cluster, world: World, namespace: str, tmp_path: Path
) -> None:
    handle = await bench.start(("sh", "-c", f"echo >> {tmp_path}/count; exec sleep 100000"))
    eventually(lambda: (tmp_path / "count").exists())
    [pod] = world.all("pods", namespace)
    await cluster.ask("DELETE", f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}")
    progress = await bench.end(handle)
    assert progress.state is State.FAILED
    assert (tmp_path / "count").read_text() == "\n"


async def test_a_job_that_was_deleted_is_unknown(bench: JobBench, world: World, namespace: str) -> None:
    handle = await bench.start(("true",))
    await bench.end(handle)
    world.objects.pop(("jobs", namespace, name_of(handle.step)))
    progress = await bench.executor.watch(handle)
    assert progress.state is State.UNKNOWN
    assert "deleted" in progress.detail


async def test_a_job_of_the_name_that_is_not_ours_is_left_alone(bench: JobBench, world: World, namespace: str) -> None:
    handle = await bench.start(("true",), id="mine")
    await bench.end(handle)
    job = job_in(world, namespace)
    with pytest.raises(Unknown, match="something else"):
        await bench.start(("false",), id="mine")
    job["metadata"]["uid"] = "another"
    assert (await bench.executor.watch(handle)).state is State.UNKNOWN
    job["metadata"]["annotations"].clear()
    with pytest.raises(Rejected, match="none of ours"):
        await bench.start(("true",), id="mine")


async def test_a_list_that_has_pages_is_read_to_its_end(
    bench: JobBench, cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstline.executors.kubernetes.cluster.PAGE", 1)
    handles = [await bench.start(("echo", str(number))) for number in range(3)]
    assert [text_of(await bench.end(handle)) for handle in handles] == ["0\n", "1\n", "2\n"]
    assert len(await cluster.all(PODS, namespace)) == 3


async def test_who_lacks_a_right_is_told_which(bench: JobBench, world: World) -> None:
    assert [finding.ok for finding in await bench.executor.check()] == [True, True]
    world.denied |= {("create", "jobs"), ("create", "pods/exec")}
    try:
        [_, finding] = await bench.executor.check()
        assert finding.message == "not permitted: create jobs, create pods/exec"
        with pytest.raises(Rejected, match="is forbidden"):
            await bench.start(("true",))
    finally:
        world.denied.clear()


@pytest.mark.parametrize(
    "right",
    [
        *[(verb, "jobs") for verb in ("create", "get", "patch")],
        *[(verb, "secrets") for verb in ("create", "get")],
        *[(verb, "pods") for verb in ("get", "list")],
        ("get", "pods/log"),
        ("list", "events"),
        ("get", "deployments"),
        ("get", "statefulsets"),
    ],
    ids=" ".join,
)
async def test_each_right_alone_is_missed(bench: JobBench, world: World, right: tuple[str, str]) -> None:
    world.denied.add(right)
    [_, finding] = await bench.executor.check()
    world.denied.clear()
    assert finding.message == f"not permitted: {' '.join(right)}"


@pytest.mark.parametrize(("told", "ok"), [("v1.27.16", False), ("v1.28.0", True), ("v1.31.4-eks-2d5f260", True)])
def test_a_cluster_that_is_too_old_is_named(told: str, *, ok: bool) -> None:
    finding = version_of("https://cluster", {"gitVersion": told})
    assert (finding.ok, "1.28 or later" in finding.mend) == (ok, not ok)


async def test_a_token_that_is_not_accepted_is_a_finding(settings: dict[str, Any]) -> None:
    kubernetes = KubernetesExecutor(KubernetesSettings.model_validate({**settings, "token": "another"}))
    [finding] = await kubernetes.check()
    assert not finding.ok
    assert "Renew the token" in finding.mend
    await kubernetes.aclose()


async def test_an_account_that_is_not_let_in_any_more_does_not_end_a_run(bench: JobBench, world: World) -> None:
    handle = await bench.start(("true",))
    mine, world.token = world.token, "another"
    for ask in (bench.executor.watch, bench.executor.cancel):
        with pytest.raises(Unavailable, match="401"):
            await ask(handle)
    world.token = mine
    assert (await bench.end(handle)).state is State.SUCCEEDED


async def test_a_cluster_that_is_not_there_can_be_asked_again(settings: dict[str, Any]) -> None:
    told = {**settings, "url": "http://127.0.0.1:9"}
    kubernetes = KubernetesExecutor(KubernetesSettings.model_validate(told))
    bench = JobBench(lambda: kubernetes)
    with pytest.raises(Unavailable):
        await bench.start(("true",))
    [finding] = await kubernetes.check()
    assert not finding.ok
    await bench.aclose()
