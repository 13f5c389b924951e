"""How a Job comes to be, once: its name is the run's key, and it waits for its Secret."""

import asyncio
import re
import time
from typing import Any, NamedTuple

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import Handle, Step
from firstline.executors.kubernetes.cluster import JOBS, SECRETS, Absent, Cluster, Conflict, Exists, NotDone
from firstline.executors.kubernetes.manifest import (
    CANCELLED,
    DIGEST,
    RELEASED,
    RUN,
    STEP,
    annotations_of,
    digest_of,
    has_secret,
    job_of,
    name_of,
    secret_of,
)
from firstline.executors.kubernetes.parameter import KubernetesParameters
from firstline.executors.kubernetes.settings import KubernetesSettings

NAME = "kubernetes"
GONE = "there is no such Job in the cluster (any more): it was deleted, or it ended longer ago than it is kept"
OTHER = "a Job of this name is there, and it is not the one that began"
PAUSE = 0.1  # seconds before it is asked again, doubled each time
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


async def found(cluster: Cluster, place: Place) -> Body | None:
    try:
        return await cluster.get(JOBS, place.namespace, place.name)
    except Absent:
        return None


async def there(cluster: Cluster, place: Place) -> Body:
    """Raises `Unknown` when it is gone, or another one."""
    job = await found(cluster, place)
    if job is None or job["metadata"]["uid"] != place.uid:
        raise Unknown(GONE if job is None else OTHER)
    return job


class Creation:
    def __init__(self, cluster: Cluster, settings: KubernetesSettings) -> None:
        self._cluster = cluster
        self._settings = settings

    async def begin(self, step: Step, told: KubernetesParameters, namespace: str) -> Handle:
        job = await self._made(namespace, job_of(step, told, self._settings))
        if annotations_of(job).get(STEP) != step.id or job["metadata"].get("labels", {}).get(RUN) != name_of(step.id):
            raise Rejected(f"a Job {job['metadata']['name']} is there, and is none of ours")
        if annotations_of(job).get(DIGEST) != digest_of(step):
            raise Unknown(f"a Job of this step is there ({job['metadata']['name']}), and it does something else")
        place = Place(namespace, job["metadata"]["name"], job["metadata"]["uid"])
        if has_secret(step):
            await self._give_secret(step, job, place)
        return Handle(executor=NAME, step=step.id, where=str(place))

    async def _made(self, namespace: str, job: Body) -> Body:
        """The Job, new or found. An answer that was lost is no matter: to ask again makes no second one."""
        deadline = time.monotonic() + self._settings.settle
        perhaps, pause = False, PAUSE
        while True:
            try:
                return await self._cluster.create(JOBS, namespace, job)
            except Rejected as refused:
                return await self._found(namespace, job, refused, perhaps=perhaps)
            except Unavailable as error:
                perhaps = perhaps or not isinstance(error, NotDone)
                pause = max(2 * pause, error.retry_after or 0)
                if not perhaps or time.monotonic() + pause > deadline:
                    raise Unavailable(str(error), retry_after=error.retry_after, perhaps=perhaps) from error
            await asyncio.sleep(pause)

    async def _found(self, namespace: str, job: Body, refused: Rejected, *, perhaps: bool) -> Body:
        """What is refused may be there all the same: its name is taken, or it fills the quota itself, which is looked
        at before the name (Create in apiserver's pkg/registry/generic/registry/store.go)."""
        exists = isinstance(refused, Exists)
        try:
            return await self._cluster.get(JOBS, namespace, job["metadata"]["name"])
        except Absent:
            if exists:
                raise Unknown(f"a Job of this step was there and is gone: {refused}") from refused
        except FirstlineError as error:
            if exists:
                raise Unavailable(f"a Job of this step is there, and can't be read: {error}", perhaps=True) from error
        if perhaps:
            raise Unavailable(f"{refused}; it may have been made before", perhaps=True) from refused
        raise refused

    async def _give_secret(self, step: Step, job: Body, place: Place) -> None:
        """The Job waits for it; whoever comes here after a crash goes on from where it stopped. It is let go once:
        whoever suspends it after that wants it to end."""
        while job["spec"].get("suspend") and not {RELEASED, CANCELLED} & set(annotations_of(job)):
            await self._see_to_secret(step, job, place)
            mark = {
                "resourceVersion": job["metadata"]["resourceVersion"],
                "annotations": {RELEASED: self._cluster.stamp},
            }
            try:
                change = {"metadata": mark, "spec": {"suspend": False}}
                job = await self._cluster.merge(JOBS, place.namespace, place.name, change)
            except Conflict:
                job = await there(self._cluster, place)
            except Unavailable as error:
                perhaps = not isinstance(error, NotDone)
                raise Unavailable(str(error), retry_after=error.retry_after, perhaps=perhaps) from error

    async def _see_to_secret(self, step: Step, job: Body, place: Place) -> None:
        """It is refused when it is there: made by an earlier try, or by somebody else."""
        try:
            await self._cluster.create(SECRETS, place.namespace, secret_of(step, job))
        except Rejected as refused:
            try:
                secret = await self._cluster.get(SECRETS, place.namespace, place.name)
            except Absent:
                raise refused from None
            if place.uid not in [owner["uid"] for owner in secret["metadata"].get("ownerReferences") or []]:
                words = f"a Secret {place.name} is there, and is none of ours; the Job stays suspended"
                raise Rejected(words) from refused
