"""Jobs, against a cluster in small that runs their containers as processes of this machine."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from firstline.executor import Executor, Handle, State
from firstline.executors.kubernetes import KubernetesExecutor, KubernetesSettings
from firstline.testing.executor import Bench, ExecutorContract, Run, text_of
from firstline.testing.kubernetes.world import TOKEN

JOB = {"job": {"image": "busybox:1.36"}}


class JobBench(Bench):
    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        return await super().start(run, executor, **{"parameters": JOB, **fields})


class TestKubernetesJob(ExecutorContract):
    @pytest.fixture(autouse=True)
    def _cluster(self, cluster_url: str) -> None:
        self.settings = {"url": cluster_url, "token": TOKEN, "namespace": f"test-{uuid4().hex[:8]}"}

    @pytest.fixture
    async def bench(self, place: Path) -> Any:
        bench = JobBench(lambda: self.make(place))
        yield bench
        await bench.aclose()

    def make(self, place: Path) -> Executor[Any]:
        return KubernetesExecutor(
            KubernetesSettings.model_validate({**self.settings, "directory": place / "runs", "kill_grace": 0})
        )

    def whitelist(self) -> set[str]:
        return {"PATH", "HOSTNAME", "KUBERNETES_SERVICE_HOST", "FIRSTLINE_OUTPUT", "STAND_IN_CONTAINER"}

    async def test_a_program_that_is_not_there_is_rejected(self, bench: Bench) -> None:
        """Only the node finds out, when it begins the container."""
        progress = await bench.end(await bench.start(("no-such-program",)))
        assert (progress.state, progress.exit_status) == (State.FAILED, 128)
        assert "no-such-program" in progress.detail

    async def test_output_and_errors_are_told_apart(self, bench: Bench) -> None:
        """Nodes keep both in one."""
        progress = await bench.end(await bench.start(self.printing("out", "err")))
        assert text_of(progress, "stdout") == "outerr"
