"""A step as a Job of a Kubernetes cluster, or as a command in a pod that is there."""

from typing import ClassVar

from pydantic import BaseModel

from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.executor import Executor, Handle, Progress, Step, parameters
from firstline.executors.kubernetes.access import access_of
from firstline.executors.kubernetes.cluster import Cluster
from firstline.executors.kubernetes.command import CommandRuns
from firstline.executors.kubernetes.health import findings
from firstline.executors.kubernetes.job import JobRuns
from firstline.executors.kubernetes.parameter import KubernetesParameters
from firstline.executors.kubernetes.selection import Target
from firstline.executors.kubernetes.settings import KubernetesSettings
from firstline.finding import Finding


class KubernetesExecutor(Executor[KubernetesSettings]):
    name: ClassVar[str] = "kubernetes"
    settings_model: ClassVar[type[BaseModel]] = KubernetesSettings
    step_model: ClassVar[type[BaseModel]] = KubernetesParameters
    runs: ClassVar[bool] = True

    def __init__(self, settings: KubernetesSettings) -> None:
        super().__init__(settings)
        self._cluster = Cluster(access_of(settings))
        self._jobs = JobRuns(self._cluster, settings)
        self._commands = CommandRuns(self._cluster, settings)

    async def start(self, step: Step) -> Handle:
        self.refuse_dry_run(step)
        told = parameters(KubernetesParameters, step)
        namespace = told.namespace or self.settings.namespace
        target = Target.of(step, namespace) if told.exec else None
        self._see_that_it_is_allowed(target.namespace if target else namespace)
        if told.exec:
            return await self._commands.start(step, told.exec, namespace)
        return await self._jobs.start(step, told, namespace)

    async def check(self) -> list[Finding]:
        return await findings(self._cluster, self.settings.allowed)

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        try:
            return await (self._commands if _is_command(handle) else self._jobs).watch(handle, offset)
        except (Rejected, Unauthorized) as error:
            raise Unavailable(str(error)) from error

    async def wait(self, handle: Handle, timeout: float) -> None:
        await (self._commands.wait(handle, timeout) if _is_command(handle) else super().wait(handle, timeout))

    async def cancel(self, handle: Handle) -> None:
        try:
            await (self._commands if _is_command(handle) else self._jobs).cancel(handle)
        except (Rejected, Unauthorized) as error:
            raise Unavailable(str(error)) from error

    async def aclose(self) -> None:
        await self._commands.aclose()
        await self._cluster.aclose()

    def _see_that_it_is_allowed(self, namespace: str) -> None:
        if namespace not in self.settings.allowed:
            allowed = ", ".join(sorted(self.settings.allowed))
            raise Rejected(f"the namespace {namespace!r} is not among those that may be used: {allowed}")


def _is_command(handle: Handle) -> bool:
    return handle.where.startswith("exec/")
