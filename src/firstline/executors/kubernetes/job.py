"""A step as a Job. All that is known of it stands in the cluster."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import Handle, Progress, State, Step
from firstline.executors.kubernetes import pod as look
from firstline.executors.kubernetes import window
from firstline.executors.kubernetes.cluster import EVENTS, JOBS, PODS, Cluster, log_path
from firstline.executors.kubernetes.creation import GONE, OTHER, PAUSE, Creation, Place, found, there
from firstline.executors.kubernetes.manifest import CANCELLED, GIVEN_UP, LIMIT, RUN, annotations_of
from firstline.executors.kubernetes.output import outputs_of
from firstline.executors.kubernetes.parameter import KubernetesParameters
from firstline.executors.kubernetes.settings import KubernetesSettings
from firstline.executors.polled.log import Window
from firstline.executors.process.output import head_of

SILENT = timedelta(minutes=5)  # how long after the end the output is asked for, and the node may not answer
# A node that has the log no more says so in its place, under 200 (GetContainerLogs and ReadLogs of kubelet's
# pkg/kubelet/kuberuntime: by then the answer has begun).
_NO_LOG = re.compile(r"(unable to retrieve container logs for|failed to try resolving symlinks in path) .*\s*")

Body = dict[str, Any]


class JobRuns:
    def __init__(self, cluster: Cluster, settings: KubernetesSettings) -> None:
        self._cluster = cluster
        self._settings = settings
        self._creation = Creation(cluster, settings)

    async def start(self, step: Step, told: KubernetesParameters, namespace: str) -> Handle:
        return await self._creation.begin(step, told, namespace)

    async def watch(self, handle: Handle, offset: int) -> Progress:
        place = Place.of(handle)
        job = await found(self._cluster, place) if place else None
        if place is None or job is None:
            return Progress(state=State.UNKNOWN, offset=offset, detail=GONE)
        if job["metadata"]["uid"] != place.uid:
            return Progress(state=State.UNKNOWN, offset=offset, detail=OTHER)
        pods = await self._pods(place)
        state = look.state_of(job, pods)
        detail = look.detail_of(job, pods, state)
        if state is State.RUNNING:
            detail = "; ".join(filter(None, (detail, await self._refused(place, job, pods))))
            if reason := self._overdue(job, pods, detail):
                await self._end(place, **{GIVEN_UP: reason})
        shown, unreadable = await self._shown(place, job, pods, offset, state)
        outputs, complaint = outputs_of(look.message(pods[0])) if state.ended and pods else ({}, "")
        return Progress(
            state=state,
            exit_status=look.exit_status(pods[0]) if state.ended and pods else None,
            output=shown.output,
            offset=shown.offset,
            more=shown.more,
            dropped=shown.dropped,
            started_at=look.began(job, pods),
            ended_at=look.ended(job, pods) if state.ended else None,
            detail="; ".join(filter(None, (detail, unreadable, complaint))),
            outputs=outputs,
            surroundings=_surroundings(place, pods),
        )

    async def cancel(self, handle: Handle) -> None:
        place = Place.of(handle)
        if place is None:
            raise Unknown(GONE)
        job = await there(self._cluster, place)
        deadline = time.monotonic() + self._settings.kill_grace + self._settings.cancel_within
        if not look.state_of(job, await self._pods(place)).ended:
            await self._end(place)
        while not look.state_of(await there(self._cluster, place), await self._pods(place)).ended:
            if time.monotonic() > deadline:
                raise Unavailable(f"the cluster was asked to end {place.name}, and its pod is there still")
            await asyncio.sleep(PAUSE)

    async def _pods(self, place: Place) -> list[Body]:
        """The oldest first."""
        pods = await self._cluster.all(PODS, place.namespace, labelSelector=f"{RUN}={place.name}")
        ours = [pod for pod in pods if place.uid in [o["uid"] for o in pod["metadata"].get("ownerReferences") or []]]
        return sorted(ours, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    async def _refused(self, place: Place, job: Body, pods: list[Body]) -> str:
        """Why it has no pod: quotas and admission speak to the Job controller, which tells it in events."""
        if pods or job["spec"].get("suspend") or look.waits_since(job, pods) is None:
            return ""
        try:
            events = await self._cluster.all(
                EVENTS, place.namespace, fieldSelector=f"involvedObject.uid={place.uid},type=Warning"
            )
        except Rejected as error:
            return f"why it has no pod can't be read: {error}"
        last = max(events, key=lambda event: event.get("lastTimestamp") or "", default={})
        return f"it has no pod: {last.get('reason', '')}: {last.get('message', '')}" if last else ""

    def _overdue(self, job: Body, pods: list[Body], detail: str) -> str:
        """Why it is not waited for any longer; empty when it is."""
        since = look.waits_since(job, pods)
        if CANCELLED in annotations_of(job) or since is None:
            return ""
        if self._cluster.time - since < timedelta(seconds=self._settings.start_within):
            return ""
        return detail or f"its pod did not begin within {self._settings.start_within:g} seconds"

    async def _end(self, place: Place, **annotations: str) -> None:
        """Let its time be up: the cluster ends its pods, and the Job stays as the knowledge that it ran. No pod is
        made any more, should somebody resume it."""
        change = {
            "metadata": {"annotations": {CANCELLED: self._cluster.stamp, **annotations}},
            "spec": {"activeDeadlineSeconds": 1, "parallelism": 0},
        }
        await self._cluster.merge(JOBS, place.namespace, place.name, change)

    async def _shown(self, place: Place, job: Body, pods: list[Body], offset: int, state: State) -> tuple[Window, str]:
        """The output from `offset` on, and why there is none."""
        if not pods or not look.has_begun(pods[0]):
            return window.nothing(offset), ""
        try:
            shown = await self._output(place, job, pods[0], offset, state)
        except Rejected as error:  # the pod went between two looks, or its container did
            return window.nothing(offset), f"its output can't be read: {error}"
        except Unavailable as error:
            ended = look.ended(job, pods)
            if state.ended and (ended is None or self._cluster.time - ended < SILENT):
                raise
            return window.nothing(offset), f"its output can't be read: {error}"
        text = "".join(chunk.text for chunk in shown.output)
        if offset == 0 and _NO_LOG.fullmatch(text):
            return window.nothing(offset), f"its output can't be read: {text.strip()}"
        return shown, ""

    async def _output(self, place: Place, job: Body, pod: Body, offset: int, state: State) -> Window:
        limit = int(annotations_of(job).get(LIMIT, 1))
        if state.ended:
            return await window.ended(self._log(place, pod), offset, limit)
        if offset >= head_of(limit):
            return window.nothing(offset)
        return await window.growing(self._log(place, pod, head_of(limit) + 4), offset, limit)

    def _log(self, place: Place, pod: Body, enough: int | None = None) -> AsyncGenerator[bytes, None]:
        """Both streams in one, as nodes keep them."""
        query = {"container": look.main_of(pod)[0]} | ({"limitBytes": str(enough)} if enough else {})
        return self._cluster.text(log_path(place.namespace, pod["metadata"]["name"]), query)


def _surroundings(place: Place, pods: list[Body]) -> str:
    words = f"Job {place.namespace}/{place.name}"
    for pod in pods[:1]:
        spec = pod["spec"]
        words += f", pod {pod['metadata']['name']}"
        words += f", node {spec['nodeName']}" if spec.get("nodeName") else ""
        words += f", account {spec['serviceAccountName']}" if spec.get("serviceAccountName") else ""
    return words
