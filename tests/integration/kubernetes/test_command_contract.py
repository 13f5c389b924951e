"""Commands in a pod that is there, against a cluster in small."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from firstline.executor import Executor, Handle, State
from firstline.executors.kubernetes import KubernetesExecutor, KubernetesSettings
from firstline.testing.executor import Bench, ExecutorContract, Run, text_of, until
from firstline.testing.kubernetes.world import TOKEN
from firstline.testing.patience import eventually

SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "FIRSTLINE_RUN"}


def begin_pod(url: str, name: str, **metadata: Any) -> None:
    """One that sleeps, and is ready."""
    pods = f"{url}/api/v1/namespaces/default/pods"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    containers = [{"name": "main", "image": "busybox:1.36", "command": ["sleep", "100000"]}]
    body = {"metadata": {"name": name, "labels": {"app": "web"}, **metadata}, "spec": {"containers": containers}}
    with httpx.Client(headers=headers, trust_env=False) as http:
        assert http.post(pods, json=body).status_code == 201
        eventually(lambda: http.get(f"{pods}/{name}").json()["status"]["phase"] == "Running")


@pytest.fixture(scope="module")
def pod(cluster_url: str) -> str:
    begin_pod(cluster_url, "web-1")
    return "web-1"


class CommandBench(Bench):
    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        told = {"parameters": {"exec": {}}, "target": "pod/web-1"}
        return await super().start(run, executor, **{**told, **fields})


@pytest.fixture
async def bench(cluster_url: str, pod: str, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = CommandBench(lambda: make(cluster_url, tmp_path))
    yield bench
    await bench.aclose()


def make(url: str, place: Path, **fields: Any) -> KubernetesExecutor:
    told = {"url": url, "token": TOKEN, "directory": place / "runs", "kill_grace": 0.3, **fields}
    return KubernetesExecutor(KubernetesSettings.model_validate(told))


class TestCommandInPod(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _cluster(self, cluster_url: str) -> None:
        self.url = cluster_url

    @pytest.fixture
    async def bench(self, place: Path, pod: str) -> AsyncIterator[Bench]:
        bench = CommandBench(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def make(self, place: Path) -> Executor[Any]:
        return make(self.url, place)

    def whitelist(self) -> set[str]:
        """The pod's own, and its shell's."""
        return {"PATH", "HOSTNAME", "KUBERNETES_SERVICE_HOST", "STAND_IN_CONTAINER"} | SHELL

    async def test_a_program_that_is_not_there_is_rejected(self, bench: Bench) -> None:
        """Only the pod's shell finds out."""
        progress = await bench.end(await bench.start(("no-such-program",)))
        assert (progress.state, progress.exit_status) == (State.FAILED, 127)
        assert "no-such-program" in text_of(progress, "stderr")

    async def test_a_run_goes_on_without_its_executor_and_is_found_by_another(self, bench: Bench, place: Path) -> None:
        """It goes on, and nobody can attach to it: it is unknown, and is ended by whoever is asked to."""
        first = bench.another()
        handle = await bench.start(self.lasting(place), first)
        await until(lambda: len(self.workers(place)) == 2)
        await first.aclose()
        progress = await bench.executor.watch(Handle.model_validate_json(handle.model_dump_json()))
        assert progress.state is State.UNKNOWN
        assert "still running in the pod: " in progress.detail
        assert len(self.left(place)) == 2
        assert await bench.start(self.lasting(place), id=handle.step) == handle
        await bench.executor.cancel(handle)
        assert self.left(place) == []
        assert (await bench.executor.watch(handle)).state is State.CANCELLED
