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
        if job["spec"].get("suspend"):
            self._delete(active)
            return
        if "startTime" not in status:
            status["startTime"] = now()
            self._world.touch("jobs", job)
        elif any(pod["status"]["phase"] == "Succeeded" for pod in pods):
            self._finish(job, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        elif any(pod["status"]["phase"] == "Failed" for pod in pods) or (status.get("made") and not pods):
            reason = _LATE if self._is_late(job) and not pods else _FAILED
            self._finish(job, "Failed", *reason)
        elif self._is_late(job):
            self._delete(active)
            if not active:
                self._finish(job, "Failed", *_LATE)
        elif not pods:
            self._make(job)

    def _make(self, job: Body) -> None:
        template = job["spec"]["template"]
        name = f"{job['metadata']['name']}-{uuid4().hex[:5]}"
        uid = job["metadata"]["uid"]
        labels = {"batch.kubernetes.io/job-name": job["metadata"]["name"], "batch.kubernetes.io/controller-uid": uid}
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
        condition = {
            "type": kind, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": now(), "lastTransitionTime": now(),
        }  # fmt: skip
        job["status"].setdefault("conditions", []).append(condition)
        if kind == "Complete":
            job["status"]["completionTime"] = now()
        self._world.touch("jobs", job)

    def _pods(self, job: Body) -> list[Body]:
        labels = {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}
        return self._world.all("pods", job["metadata"]["namespace"], labels)

    def _lives(self, job: Body) -> bool:
        metadata = job["metadata"]
        return self._world.objects.get(("jobs", metadata["namespace"], metadata["name"])) is job
