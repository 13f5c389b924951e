"""What a Job and its pods say of themselves, in the words of the contract. Pure.

Conditions, phases and reasons: kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle and .../controllers/job; the
reasons of waiting containers are those of kubelet (pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go).
"""

from datetime import UTC, datetime
from typing import Any

from firstline.executor import State
from firstline.executors.kubernetes.manifest import CANCELLED, CONTAINER, GIVEN_UP

Body = dict[str, Any]

_ENDED = ("Succeeded", "Failed")
_ITS_OWN = ("Completed", "Error", "OOMKilled")  # reasons of an end that a program came to by itself
_NOT_YET = frozenset({"ContainerCreating", "PodInitializing", ""})


def is_active(pod: Body) -> bool:
    return pod.get("status", {}).get("phase") not in _ENDED


def state_of(job: Body, pods: list[Body]) -> State:
    """A Job has ended when it says so, and no pod of it works any more: older servers say it before."""
    annotations = job["metadata"].get("annotations", {})
    complete, failed = _condition(job, "Complete"), _condition(job, "Failed")
    never = job["spec"].get("suspend") and CANCELLED in annotations
    if not (complete or failed or never) or any(map(is_active, pods)):
        return State.RUNNING
    if complete:
        return State.SUCCEEDED
    if CANCELLED in annotations:
        return State.FAILED if annotations.get(GIVEN_UP) else State.CANCELLED
    reasons = {(failed or {}).get("reason"), *(pod["status"].get("reason") for pod in pods)}
    return State.TIMED_OUT if "DeadlineExceeded" in reasons else State.FAILED


def detail_of(job: Body, pods: list[Body], state: State) -> str:
    """Why it does not run, waits or failed, and what is amiss beside that."""
    annotations = job["metadata"].get("annotations", {})
    parts = [annotations.get(GIVEN_UP) or _cancelled(state)]
    if state is State.TIMED_OUT:
        parts.append("it took longer than its time-out; the cluster ended it")
    if state is State.FAILED and not annotations.get(GIVEN_UP):
        parts += [*filter(None, map(failure, pods))] or [_failed(job)]
    if state is State.RUNNING:
        parts += [_held(job), *filter(None, map(waiting, pods))]
    if state.ended and not pods:
        parts.append("its pod is gone, and its output with it")
    if len(pods) > 1:
        names = ", ".join(pod["metadata"]["name"] for pod in pods)
        parts.append(f"Kubernetes began it {len(pods)} times ({names}): it may have done its work more than once")
    return "; ".join(filter(None, parts))


def main_of(pod: Body) -> tuple[str, Body]:
    """Name and state of the container that the step is about. It need not be the pod's first: meshes put theirs before
    it (istio.io/latest/docs/ops/common-problems/injection, holdApplicationUntilProxyStarts)."""
    name: str = (pod["metadata"].get("annotations") or {}).get(CONTAINER) or pod["spec"]["containers"][0]["name"]
    for status in pod.get("status", {}).get("containerStatuses") or []:
        if status["name"] == name:
            return name, status.get("state") or {}
    return name, {}


def exit_status(pod: Body) -> int | None:
    status: int | None = main_of(pod)[1].get("terminated", {}).get("exitCode")
    return status


def message(pod: Body) -> str:
    """What the program wrote for its outputs; empty where the node wrote it, of a program that did not begin."""
    end = main_of(pod)[1].get("terminated", {})
    text: str = end.get("message") or ""
    return text if end.get("reason") in _ITS_OWN else ""


def waiting(pod: Body) -> str:
    """What a pod waits for that is more than its turn; empty when nothing is amiss."""
    statuses = pod.get("status", {})
    for status in [*(statuses.get("initContainerStatuses") or []), *(statuses.get("containerStatuses") or [])]:
        wait = (status.get("state") or {}).get("waiting") or {}
        if wait.get("reason", "") not in _NOT_YET:
            return f"{status['name']}: {wait['reason']}: {wait.get('message', '')}".rstrip(": ")
    for condition in statuses.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"no node takes it: {condition.get('reason', '')}: {condition.get('message', '')}".rstrip(": ")
    return _lingering(pod)


def _lingering(pod: Body) -> str:
    """Why a pod is there still, though its work seems over."""
    name, main = main_of(pod)
    if not is_active(pod):
        return ""
    if "terminated" in main:
        others = [status["name"] for status in pod["status"]["containerStatuses"] if status["name"] != name]
        return f"{name} has ended ({failure(pod)}), and its pod waits for {', '.join(others)}" if others else ""
    if "deletionTimestamp" not in pod["metadata"]:
        return ""
    told = _disrupted(pod)
    why = f": {told['reason']}: {told.get('message', '')}".rstrip(": ") if told.get("reason") else ""
    return f"its pod is being ended{why}; a node that does not answer may go on with it"


def waits_since(job: Body, pods: list[Body]) -> datetime | None:
    """None: it does not wait, or has begun."""
    if job["spec"].get("suspend"):
        held = _condition(job, "Suspended")
        return moment((held or {}).get("lastTransitionTime") or job["metadata"].get("creationTimestamp"))
    if pods:
        works = has_begun(pods[0]) or _prepares(pods[0])
        return None if works else moment(pods[0]["metadata"]["creationTimestamp"])
    status = job.get("status", {})
    counted = any(status.get(name) for name in ("active", "succeeded", "failed", "terminating"))
    return None if counted else moment(status.get("startTime") or job["metadata"].get("creationTimestamp"))


def has_begun(pod: Body) -> bool:
    return bool({"running", "terminated"} & set(main_of(pod)[1]))


def _prepares(pod: Body) -> bool:
    """One of its init containers works; one that is always restarted is a sidecar, and prepares nothing."""
    names = {each["name"] for each in pod["spec"].get("initContainers") or [] if each.get("restartPolicy") != "Always"}
    statuses = pod.get("status", {}).get("initContainerStatuses") or []
    return any("running" in (each.get("state") or {}) for each in statuses if each["name"] in names)


def failure(pod: Body) -> str:
    """The end of its container, and what was done to its pod: it was evicted, its node was shut down."""
    status = pod.get("status", {})
    condition = _disrupted(pod)
    done = [status.get("reason") or condition.get("reason"), status.get("message") or condition.get("message")]
    return "; ".join(filter(None, (_end_of(main_of(pod)[1].get("terminated", {})), ": ".join(filter(None, done)))))


def _end_of(end: Body) -> str:
    if not end:
        return ""
    words = f"exit status {end.get('exitCode')}"
    if end.get("reason") == "OOMKilled":
        return f"{words}: it wanted more memory than its limit, and the kernel ended it (OOMKilled)"
    told = end.get("message", "") if end.get("reason") not in _ITS_OWN else ""
    return ": ".join(filter(None, (words, end.get("reason") if told else "", told)))


def _disrupted(pod: Body) -> Body:
    """Why it was ended from outside (kubernetes.io/docs/concepts/workloads/pods/disruptions)."""
    conditions = pod.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == "DisruptionTarget"), {})


def moment(text: str | None) -> datetime | None:
    """RFC 3339, as all times of the API are."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def began(job: Body, pods: list[Body]) -> datetime | None:
    for pod in pods:
        found = main_of(pod)[1]
        at = (found.get("running") or found.get("terminated") or {}).get("startedAt")
        if at:
            return moment(at)
    return moment(job.get("status", {}).get("startTime"))


def ended(job: Body, pods: list[Body]) -> datetime | None:
    times = [main_of(pod)[1].get("terminated", {}).get("finishedAt") for pod in pods]
    status = job.get("status", {})
    times += [status.get("completionTime")]
    times += [each.get("lastTransitionTime") for each in status.get("conditions") or [] if each["type"] == "Failed"]
    times += [job["metadata"].get("annotations", {}).get(CANCELLED)]
    return moment(next(filter(None, times), None))


def _held(job: Body) -> str:
    if ending := _condition(job, "FailureTarget"):
        return f"Kubernetes is ending it: {ending.get('reason', '')}"
    suspended = bool(job["spec"].get("suspend"))
    return "the Job is suspended: Kubernetes ends its pod, and makes another when it is resumed" if suspended else ""


def _condition(job: Body, kind: str) -> Body | None:
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["type"] == kind and condition["status"] == "True":
            return dict(condition)
    return None


def _cancelled(state: State) -> str:
    return "cancelled" if state is State.CANCELLED else ""


def _failed(job: Body) -> str:
    told = _condition(job, "Failed")
    return f"{told.get('reason', '')}: {told.get('message', '')}" if told else ""
