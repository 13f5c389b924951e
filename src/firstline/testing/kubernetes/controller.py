"""What makes pods of Jobs, and sees to their end: the Job controller (pkg/controller/job/job_controller.go)."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from firstline.testing.kubernetes.world import World, now

Body = dict[str, Any]

_LATE = ("DeadlineExceeded", "Job was active longer than specified deadline")
_FAILED = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")


class JobController:
    def __init__(self, world: World) -> None:
        self._world = world
        world.changed.append(self._changed)

    def _changed(self, kind: str, body: Body) -> None:
        if kind == "jobs" and self._lives(body):
            self._sync(body)
        if kind == "pods":
            for owner in body["metadata"].get("ownerReferences", []):
                job = self._world.objects.get(("jobs", body["metadata"]["namespace"], owner["name"]))
                if job and job["metadata"]["uid"] == owner["uid"]:
                    asyncio.get_running_loop().call_soon(self._sync, job)

    def _sync(self, job: Body) -> None:
        status = job.setdefault("status", {})
        if not self._lives(job) or any(each["type"] in ("Complete", "Failed") for each in status.get("conditions", [])):
            return
        pods = self._pods(job)
        active = [pod for pod in pods if pod["status"]["phase"] in ("Pending", "Running")]
        self._count(status, pods, active)
        if self._hold(job):
            return  # that it has changed is looked at by now
        if job["spec"].get("suspend"):
            self._delete(active)
            return
        if "startTime" not in status:
            status["startTime"] = now()
            self._world.touch("jobs", job)
        elif any(pod["status"]["phase"] == "Succeeded" for pod in pods):
            self._finish(job, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        elif any(pod["status"]["phase"] == "Failed" for pod in pods) or status.get("failed"):
            reason = _LATE if self._is_late(job) and not pods else _FAILED
            self._finish(job, "Failed", *reason)
        elif self._is_late(job):
            self._delete(active)
            if not active:
                self._finish(job, "Failed", *_LATE)
        else:
            self._fill(job, active)

    def _hold(self, job: Body) -> bool:
        """Says that it is suspended, or no longer; its time begins anew then. Whether that was to be said."""
        status, held = job["status"], bool(job["spec"].get("suspend"))
        conditions = status.setdefault("conditions", [])
        was = next((each for each in conditions if each["type"] == "Suspended"), None)
        if held is (was is not None and was["status"] == "True"):
            return False
        if not held:
            status.pop("startTime", None)
        told = ("JobSuspended", "Job suspended") if held else ("JobResumed", "Job resumed")
        status["conditions"] = [each for each in conditions if each is not was]
        status["conditions"].append(_condition("Suspended", str(held), *told))
        self._world.touch("jobs", job)
        return True

    def _count(self, status: Body, pods: list[Body], active: list[Body]) -> None:
        """A pod that has gone has failed, of one that was made."""
        ending = [pod for pod in active if "deletionTimestamp" in pod["metadata"]]
        succeeded = sum(pod["status"]["phase"] == "Succeeded" for pod in pods)
        failed = sum(pod["status"]["phase"] == "Failed" for pod in pods) or int(bool(status.get("made")) and not pods)
        counts = {"active": len(active) - len(ending), "succeeded": succeeded, "failed": failed}
        for name, count in counts.items():
            status.pop(name, None)
            if count:
                status[name] = count
        status |= {"terminating": len(ending), "ready": sum(map(_is_ready, active)), "uncountedTerminatedPods": {}}

    def _fill(self, job: Body, active: list[Body]) -> None:
        if job["spec"].get("parallelism", 1) == 0:
            self._delete(active)
            self._again(job)
        elif not active and self._world.quota:
            self._tell(job, "FailedCreate", f"Error creating: {self._world.quota}")
            asyncio.get_running_loop().call_later(0.05, self._sync, job)
        elif not active:
            self._make(job)

    def _tell(self, job: Body, reason: str, message: str) -> None:
        """In an event; the same one again is counted."""
        metadata = job["metadata"]
        name = f"{metadata['name']}.{metadata['uid'][:16]}"
        namespace = metadata["namespace"]
        if event := self._world.objects.get(("events", namespace, name)):
            event |= {"count": event["count"] + 1, "lastTimestamp": now()}
            self._world.touch("events", event)
            return
        about = {"apiVersion": "batch/v1", "kind": "Job", "namespace": namespace}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name},
            "involvedObject": {**about, "name": metadata["name"], "uid": metadata["uid"]},
            "reason": reason,
            "message": message,
            "type": "Warning",
            "source": {"component": "job-controller"},
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
        }
        self._world.create("events", namespace, event)

    def _make(self, job: Body) -> None:
        template = job["spec"]["template"]
        name = f"{job['metadata']['name']}-{uuid4().hex[:5]}"
        uid = job["metadata"]["uid"]
        labels = {"job-name": job["metadata"]["name"], "controller-uid": uid}
        labels |= {f"batch.kubernetes.io/{name}": value for name, value in labels.items()}
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": uid,
            "controller": True,
        }
        job["status"]["made"] = True
        metadata = template.get("metadata", {})
        self._world.create(
            "pods",
            job["metadata"]["namespace"],
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "labels": {**metadata.get("labels", {}), **labels},
                    "annotations": metadata.get("annotations", {}),
                    "ownerReferences": [owner],
                },
                "spec": {"serviceAccountName": "default", **template["spec"]},
                "status": {"phase": "Pending", "conditions": []},
            },
        )
        self._again(job)

    def _again(self, job: Body) -> None:
        """When its deadline passes."""
        deadline = job["spec"].get("activeDeadlineSeconds")
        if deadline is not None and self._lives(job):
            asyncio.get_running_loop().call_later(max(0.05, deadline - self._age(job)), self._sync, job)

    def _is_late(self, job: Body) -> bool:
        deadline = job["spec"].get("activeDeadlineSeconds")
        if deadline is None:
            return False
        if self._age(job) < deadline:
            self._again(job)
        return self._age(job) >= float(deadline)

    def _age(self, job: Body) -> float:
        started = datetime.fromisoformat(job["status"]["startTime"])
        return (datetime.now(UTC) - started).total_seconds()

    def _delete(self, pods: list[Body]) -> None:
        for pod in pods:
            if "deletionTimestamp" not in pod["metadata"]:
                pod["metadata"]["deletionTimestamp"] = now()
                self._world.touch("pods", pod)

    def _finish(self, job: Body, kind: str, reason: str, message: str) -> None:
        job["status"].setdefault("conditions", []).append(_condition(kind, "True", reason, message))
        if kind == "Complete":
            job["status"]["completionTime"] = now()
        self._world.touch("jobs", job)

    def _pods(self, job: Body) -> list[Body]:
        return self._world.owned("pods", job["metadata"]["namespace"], job["metadata"]["uid"])

    def _lives(self, job: Body) -> bool:
        metadata = job["metadata"]
        return self._world.objects.get(("jobs", metadata["namespace"], metadata["name"])) is job


def _is_ready(pod: Body) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))


def _condition(kind: str, status: str, reason: str, message: str) -> Body:
    told = {"type": kind, "status": status, "reason": reason, "message": message}
    return {**told, "lastProbeTime": now(), "lastTransitionTime": now()}
