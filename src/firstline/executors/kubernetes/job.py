"""A step as a Job. All that is known of it stands in the cluster: the Job's name is the run's key."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from firstline.errors import Rejected, Unavailable, Unknown
from firstline.executor import Handle, Progress, State, Step
from firstline.executors.kubernetes import pod as look
from firstline.executors.kubernetes import window
from firstline.executors.kubernetes.cluster import JOBS, PODS, SECRETS, Absent, Cluster, Conflict, log_path
from firstline.executors.kubernetes.cluster import surely_not_sent as not_sent
from firstline.executors.kubernetes.manifest import (
    CANCELLED,
    DIGEST,
    GIVEN_UP,
    LIMIT,
    RUN,
    STEP,
    digest_of,
    has_secret,
    job_of,
    name_of,
    secret_of,
)
from firstline.executors.kubernetes.output import outputs_of
from firstline.executors.kubernetes.parameter import KubernetesParameters
from firstline.executors.kubernetes.settings import KubernetesSettings
from firstline.executors.process.output import head_of

NAME = "kubernetes"
GONE = "there is no such Job in the cluster (any more): it was deleted, or it ended longer ago than it is kept"
OTHER = "a Job of this name is there, and it is not the one that began"
PAUSE = 0.1  # seconds between two looks while a Job is being ended
SILENT = timedelta(minutes=5)  # how long after the end the output is asked for, and the node may not answer
_WHERE = re.compile(r"job/([a-z0-9-]+)/([a-z0-9-]+)/([A-Za-z0-9-]+)")

Body = dict[str, Any]


class Place(NamedTuple):
    """Where a Job is. `uid` tells it from a later one of its name."""

    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, handle: Handle) -> "Place | None":
        found = _WHERE.fullmatch(handle.where)
        return cls(*found.groups()) if found else None

    def __str__(self) -> str:
        return f"job/{self.namespace}/{self.name}/{self.uid}"


class JobRuns:
    def __init__(self, cluster: Cluster, settings: KubernetesSettings) -> None:
        self._cluster = cluster
        self._settings = settings

    async def start(self, step: Step, told: KubernetesParameters, namespace: str) -> Handle:
        job = await self._made(namespace, job_of(step, told, self._settings))
        if _annotations(job).get(STEP) != step.id or job["metadata"].get("labels", {}).get(RUN) != name_of(step.id):
            raise Rejected(f"a Job {job['metadata']['name']} is there, and is none of ours")
        if _annotations(job).get(DIGEST) != digest_of(step):
            raise Unknown(
                f"a Job of this step is there ({job['metadata']['name']}), and what it does is something else"
            )
        place = Place(namespace, job["metadata"]["name"], job["metadata"]["uid"])
        if has_secret(step):
            await self._give_secret(step, job, place)
        return Handle(executor=NAME, step=step.id, where=str(place))

    async def watch(self, handle: Handle, offset: int) -> Progress:
        place = Place.of(handle)
        job = await self._job(place) if place else None
        if place is None or job is None:
            return Progress(state=State.UNKNOWN, offset=offset, detail=GONE)
        if job["metadata"]["uid"] != place.uid:
            return Progress(state=State.UNKNOWN, offset=offset, detail=OTHER)
        pods = await self._pods(place)
        state = look.state_of(job, pods)
        if state is State.RUNNING and (reason := self._overdue(job, pods)):
            await self._end(place, {CANCELLED: _now(), GIVEN_UP: reason})
        shown, unreadable = await self._shown(place, job, pods, offset, state)
        detail = "; ".join(filter(None, (look.detail_of(job, pods, state), unreadable)))
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
            detail="; ".join(filter(None, (detail, complaint))),
            outputs=outputs,
            surroundings=_surroundings(place, pods),
        )

    async def cancel(self, handle: Handle) -> None:
        place = Place.of(handle)
        job = await self._job(place) if place else None
        if place is None or job is None or job["metadata"]["uid"] != place.uid:
            raise Unknown(GONE if job is None else OTHER)
        deadline = time.monotonic() + self._settings.kill_grace + self._settings.cancel_within
        if not look.state_of(job, await self._pods(place)).ended:
            await self._end(place, {CANCELLED: _now()})
        while not look.state_of(await self._there(place), await self._pods(place)).ended:
            if time.monotonic() > deadline:
                raise Unavailable(f"the cluster was asked to end {place.name}, and its pod is there still")
            await asyncio.sleep(PAUSE)

    async def _made(self, namespace: str, job: Body) -> Body:
        """The Job, new or found. An answer that was lost is no matter: to ask again makes no second one."""
        deadline = time.monotonic() + self._settings.settle
        lost: Unavailable | None = None
        while True:
            try:
                return await self._cluster.create(JOBS, namespace, job)
            except Conflict as conflict:
                if found := await self._found(namespace, job, conflict):
                    return found
            except Unavailable as error:
                if lost is None and not_sent(error):
                    raise
                lost = error
            if time.monotonic() > deadline:
                raise Unknown(f"whether the Job was made can't be told: {lost or 'it comes and goes'}") from lost
            await asyncio.sleep(PAUSE)

    async def _found(self, namespace: str, job: Body, conflict: Conflict) -> Body | None:
        """None: it can't be told now. One that is being deleted was there, and won't be begun again."""
        try:
            return await self._cluster.get(JOBS, namespace, job["metadata"]["name"])
        except Absent:
            raise Unknown(f"a Job of this step was there and is gone: {conflict}") from conflict
        except Unavailable:
            return None

    async def _give_secret(self, step: Step, job: Body, place: Place) -> None:
        """The Job waits for it; whoever comes here after a crash goes on from where it stopped."""
        while job["spec"].get("suspend") and CANCELLED not in _annotations(job):
            try:
                await self._cluster.create(SECRETS, place.namespace, secret_of(step, job))
            except Conflict:
                await self._see_that_it_is_ours(place)
            change = {"metadata": {"resourceVersion": job["metadata"]["resourceVersion"]}, "spec": {"suspend": False}}
            try:
                job = await self._cluster.merge(JOBS, place.namespace, place.name, change)
            except Conflict:
                job = await self._there(place)

    async def _see_that_it_is_ours(self, place: Place) -> None:
        secret = await self._cluster.get(SECRETS, place.namespace, place.name)
        if place.uid not in [owner["uid"] for owner in secret["metadata"].get("ownerReferences") or []]:
            raise Rejected(f"a Secret {place.name} is there, and is none of ours; the Job stays suspended")

    async def _job(self, place: Place) -> Body | None:
        try:
            return await self._cluster.get(JOBS, place.namespace, place.name)
        except Absent:
            return None

    async def _there(self, place: Place) -> Body:
        job = await self._job(place)
        if job is None or job["metadata"]["uid"] != place.uid:
            raise Unknown(GONE)
        return job

    async def _pods(self, place: Place) -> list[Body]:
        """The oldest first."""
        pods = await self._cluster.all(PODS, place.namespace, f"{RUN}={place.name}")
        ours = [pod for pod in pods if place.uid in [o["uid"] for o in pod["metadata"].get("ownerReferences") or []]]
        return sorted(ours, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    def _overdue(self, job: Body, pods: list[Body]) -> str:
        """Why it is not waited for any longer; empty when it is."""
        late = datetime.now(UTC) - timedelta(seconds=self._settings.start_within)
        for pod in pods:
            since = look.moment(pod["metadata"]["creationTimestamp"])
            if CANCELLED not in _annotations(job) and not look.has_begun(pod) and since and since < late:
                return look.waiting(pod) or f"its pod did not begin within {self._settings.start_within:g} seconds"
        return ""

    async def _end(self, place: Place, annotations: dict[str, str]) -> None:
        """Let its time be up: the cluster ends its pods, and the Job stays as the knowledge that it ran."""
        change = {"metadata": {"annotations": annotations}, "spec": {"activeDeadlineSeconds": 1}}
        await self._cluster.merge(JOBS, place.namespace, place.name, change)

    async def _shown(
        self, place: Place, job: Body, pods: list[Body], offset: int, state: State
    ) -> tuple[window.Window, str]:
        """The output from `offset` on, and why there is none."""
        limit = int(_annotations(job).get(LIMIT, 1))
        if not pods or not look.has_begun(pods[0]):
            return window.nothing(offset), ""
        try:
            if state.ended:
                return await window.ended(self._log(place, pods[0]), offset, limit), ""
            if offset >= head_of(limit):
                return window.nothing(offset), ""
            enough = head_of(limit) + 4
            return await window.growing(self._log(place, pods[0], enough), 0, offset, limit), ""
        except Rejected as error:  # the pod went between two looks, or its container did
            return window.nothing(offset), f"its output can't be read: {error}"
        except Unavailable as error:
            ended = look.ended(job, pods)
            if not state.ended or ended is None or datetime.now(UTC) - ended < SILENT:
                raise
            return window.nothing(offset), f"its output can't be read: {error}"

    def _log(self, place: Place, pod: Body, enough: int | None = None) -> AsyncGenerator[bytes, None]:
        """Both streams in one, as nodes keep them."""
        query = {"container": look.main_of(pod)[0]} | ({"limitBytes": str(enough)} if enough else {})
        return self._cluster.text(log_path(place.namespace, pod["metadata"]["name"]), query)


def _annotations(job: Body) -> dict[str, str]:
    found: dict[str, str] = job["metadata"].get("annotations") or {}
    return found


def _surroundings(place: Place, pods: list[Body]) -> str:
    words = f"Job {place.namespace}/{place.name}"
    for pod in pods[:1]:
        spec = pod["spec"]
        words += f", pod {pod['metadata']['name']}"
        words += f", node {spec['nodeName']}" if spec.get("nodeName") else ""
        words += f", account {spec['serviceAccountName']}" if spec.get("serviceAccountName") else ""
    return words


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
