"""Jobs on a cluster that has a bad day: it is too busy, refuses pods, forgets, or people meddle."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.kubernetes.test_job_contract import JOB, JobBench

from firstline.errors import Rejected, Unavailable
from firstline.executor import State
from firstline.executors.kubernetes import KubernetesExecutor, KubernetesSettings
from firstline.executors.kubernetes.access import access_of
from firstline.executors.kubernetes.cluster import JOBS, PODS, Cluster
from firstline.executors.kubernetes.manifest import name_of
from firstline.testing.executor import text_of
from firstline.testing.fault import Fault, Kind, Wire
from firstline.testing.kubernetes import World, application
from firstline.testing.kubernetes.status import Refused
from firstline.testing.kubernetes.world import TOKEN
from firstline.testing.loopback import serve
from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio

QUOTA = 'pods "x-" is forbidden: exceeded quota: small, requested: pods=1, used: pods=10, limited: pods=10'
SECRET = {"PASSWORD": "s3cret-value"}


@pytest.fixture(scope="module")
def faults() -> list[Fault]:
    return []


@pytest.fixture(scope="module")
def cluster_url(world: World, faults: list[Fault]) -> Iterator[str]:
    with serve(Wire(application(world), faults)) as url:
        yield url


@pytest.fixture
def settings(cluster_url: str, tmp_path: Path) -> dict[str, Any]:
    namespace = f"test-{uuid4().hex[:8]}"
    told = {"namespace": namespace, "directory": tmp_path, "kill_grace": 0, "settle": 2}
    return {"url": cluster_url, "token": TOKEN, **told}


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


async def until_told(bench: JobBench, handle: Any, words: str) -> Any:
    progress = await bench.executor.watch(handle)
    while words not in progress.detail:
        assert not progress.state.ended, progress.detail
        progress = await bench.executor.watch(handle)
    return progress


async def test_a_quota_that_two_counted_at_once_is_no_unknown(bench: JobBench, world: World) -> None:
    """409 `Conflict`, and nothing was made: kubernetes#67761."""
    words = 'Operation cannot be fulfilled on resourcequotas "small": the object has been modified'
    world.refusals.append(("create", "jobs", Refused(409, "Conflict", words)))
    with pytest.raises(Unavailable, match="resourcequotas") as refused:
        await bench.start(("true",), id="counted")
    assert not refused.value.perhaps
    assert (await bench.end(await bench.start(("true",), id="counted"))).state is State.SUCCEEDED


async def test_a_quota_of_secrets_lets_no_job_go_without_its_secret(
    bench: JobBench, world: World, settings: dict[str, Any]
) -> None:
    world.refusals.append(("create", "secrets", Refused(409, "Conflict", "the object has been modified")))
    with pytest.raises(Unavailable):
        await bench.start(("true",), id="waits", secrets=SECRET)
    [job] = world.all("jobs", settings["namespace"])
    assert job["spec"]["suspend"]
    progress = await bench.end(await bench.start(("sh", "-c", "echo $PASSWORD"), id="waits-not", secrets=SECRET))
    assert text_of(progress) == "s3cret-value\n"


async def test_a_server_that_is_too_busy_says_when_to_come_again(bench: JobBench, world: World) -> None:
    """Priority and fairness turn a request away before anything of it is done."""
    busy = Refused(429, "TooManyRequests", "too many requests, please try again later", retryAfterSeconds=7)
    world.refusals.append(("create", "jobs", busy))
    with pytest.raises(Unavailable, match="too many requests") as refused:
        await bench.start(("true",))
    assert (refused.value.retry_after, refused.value.perhaps) == (7, False)


async def test_an_answer_that_stays_lost_may_have_made_it_and_it_is_found_later(
    bench: JobBench, world: World, faults: list[Fault], settings: dict[str, Any]
) -> None:
    settings["settle"] = 0.01
    faults.append(Fault(Kind.LOST))
    with pytest.raises(Unavailable) as lost:
        await bench.start(("true",), bench.another(), id="lost")
    assert lost.value.perhaps
    assert (await bench.end(await bench.start(("true",), id="lost"))).state is State.SUCCEEDED
    assert len(world.all("jobs", settings["namespace"])) == 1


async def test_a_quota_that_the_job_itself_fills_does_not_hide_it(bench: JobBench, world: World) -> None:
    """It is looked at before the name: who asks again is told of the quota, not that the Job is there."""
    full = Refused(403, "Forbidden", 'jobs.batch "x" is forbidden: exceeded quota: small, used: count/jobs.batch=1')
    handle = await bench.start(("sh", "-c", "echo $PASSWORD"), id="only", secrets=SECRET)
    world.refusals.append(("create", "jobs", full))
    assert await bench.start(("sh", "-c", "echo $PASSWORD"), id="only", secrets=SECRET) == handle
    assert text_of(await bench.end(handle)) == "s3cret-value\n"
    world.refusals.append(("create", "jobs", full))
    with pytest.raises(Rejected, match="exceeded quota"):
        await bench.start(("true",))


async def test_what_is_refused_after_a_lost_answer_may_have_been_made(
    bench: JobBench, world: World, faults: list[Fault]
) -> None:
    faults.append(Fault(Kind.BROKEN))
    world.refusals.append(("create", "jobs", Refused(403, "Forbidden", "exceeded quota")))
    with pytest.raises(Unavailable, match="may have been made") as refused:
        await bench.start(("true",))
    assert refused.value.perhaps


async def test_a_job_whose_letting_go_was_lost_may_have_begun(bench: JobBench, faults: list[Fault]) -> None:
    faults.append(Fault(Kind.LOST, "PATCH"))
    with pytest.raises(Unavailable) as lost:
        await bench.start(("true",), id="let-go", secrets=SECRET)
    assert lost.value.perhaps
    assert (await bench.end(await bench.start(("true",), id="let-go", secrets=SECRET))).state is State.SUCCEEDED


async def test_what_admission_refuses_is_refused_in_its_words(bench: JobBench, world: World) -> None:
    words = 'admission webhook "images.example" denied the request: busybox is from nowhere'
    world.refusals.append(("create", "jobs", Refused(403, "Forbidden", words)))
    with pytest.raises(Rejected, match="busybox is from nowhere"):
        await bench.start(("true",))


async def test_a_job_that_gets_no_pod_says_why_and_is_given_up(
    bench: JobBench, world: World, settings: dict[str, Any]
) -> None:
    world.quota = QUOTA
    handle = await bench.start(("true",))
    await until_told(bench, handle, "it has no pod: FailedCreate: Error creating: pods")
    world.denied.add(("list", "events"))
    await until_told(bench, handle, "why it has no pod can't be read")
    world.denied.clear()
    settings["start_within"] = 0.01
    hasty = bench.another()
    progress = await hasty.watch(handle)
    while not progress.state.ended:
        progress = await hasty.watch(handle)
    world.quota = ""
    assert progress.state is State.FAILED
    assert "exceeded quota: small" in progress.detail
    assert world.all("pods", settings["namespace"]) == []


async def test_what_people_suspend_is_not_let_go_again_and_ends(
    bench: JobBench, cluster: Cluster, world: World, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Whoever resumes it then begins nothing: no pod is made any more."""
    run = ("sh", "-c", f"echo >> {tmp_path}/count; exec sleep 100000")
    namespace = settings["namespace"]

    async def there() -> dict[str, Any]:
        return await cluster.get(JOBS, namespace, name_of("panic"))

    handle = await bench.start(run, id="panic", secrets=SECRET)
    eventually(lambda: (tmp_path / "count").exists())
    await cluster.merge(JOBS, namespace, name_of("panic"), {"spec": {"suspend": True}})
    assert await bench.start(run, id="panic", secrets=SECRET) == handle
    eventually(lambda: not world.all("pods", namespace))
    await until_told(bench, handle, "the Job is suspended")
    settings["start_within"] = 0.01
    hasty = bench.another()
    progress = await hasty.watch(handle)
    while not progress.state.ended:
        progress = await hasty.watch(handle)
    assert progress.state is State.FAILED
    await cluster.merge(JOBS, namespace, name_of("panic"), {"spec": {"suspend": False}})
    while "Failed" not in [each["type"] for each in (await there())["status"]["conditions"]]:
        assert world.all("pods", namespace) == []
    assert (tmp_path / "count").read_text() == "\n"


async def test_a_list_that_can_t_be_gone_on_with_is_asked_for_anew(
    bench: JobBench, cluster: Cluster, world: World, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstline.executors.kubernetes.cluster.PAGE", 1)
    for _ in range(2):
        await bench.end(await bench.start(("true",)))
    monkeypatch.setattr(world, "forgetful", True)
    assert len(await cluster.all(PODS, settings["namespace"])) == 2


async def test_a_node_that_does_not_give_the_log_does_not_hide_how_the_run_stands(
    bench: JobBench, world: World, tmp_path: Path
) -> None:
    handle = await bench.start(("sh", "-c", f"echo early; touch {tmp_path}/begun; exec sleep 100000"))
    eventually(lambda: (tmp_path / "begun").exists())
    world.refusals.append(("get", "pods/log", Refused(500, "InternalError", "dial tcp: connection refused")))
    progress = await until_told(bench, handle, "its output can't be read")
    assert (progress.state, progress.offset) == (State.RUNNING, 0)
    assert text_of(await bench.executor.watch(handle)) == "early\n"
    await bench.executor.cancel(handle)


async def test_a_log_that_is_gone_is_not_taken_for_output(bench: JobBench, world: World) -> None:
    handle = await bench.start(("echo", "unable to retrieve container logs for containerd://4b3a9c"))
    progress = await bench.end(handle)
    assert progress.output == ()
    assert "its output can't be read: unable to retrieve container logs" in progress.detail


async def test_a_proxy_s_page_is_no_cluster_s_answer(tmp_path: Path) -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"<html>Sign in</html>"})

    with serve(page) as url:
        told = {"url": url, "token": TOKEN, "directory": tmp_path, "settle": 0.01}
        bench = JobBench(lambda: KubernetesExecutor(KubernetesSettings.model_validate(told)))
        with pytest.raises(Unavailable, match="by no cluster"):
            await bench.start(("true",), parameters=JOB)
        await bench.aclose()
