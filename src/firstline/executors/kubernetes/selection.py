"""Which pod a command runs in: one that is ready, named by the target or by labels."""

import re
from typing import Any, NamedTuple

from firstline.errors import Rejected
from firstline.executor import Step
from firstline.executors.kubernetes.channel import Spot
from firstline.executors.kubernetes.cluster import PODS, WORKLOADS, Cluster
from firstline.executors.kubernetes.manifest import CONTAINER
from firstline.executors.kubernetes.parameter import ExecParameters

NOBODY = ("", "local")  # targets that name no pod
_TARGET = re.compile(r"(?:(?P<namespace>[a-z0-9-]+)/)?(?P<kind>pod|deployment|statefulset)/(?P<name>[a-z0-9.-]+)")
_OPERATORS = {"In": "in", "NotIn": "notin"}

Body = dict[str, Any]


class Target(NamedTuple):
    """`NAMESPACE/KIND/NAME`, KIND one of pod, deployment and statefulset; the namespace may be left out."""

    namespace: str
    kind: str
    name: str

    @classmethod
    def of(cls, step: Step, namespace: str) -> "Target | None":
        """None when the target names nothing. Raises `Rejected` for one that can't be read."""
        if step.target in NOBODY:
            return None
        found = _TARGET.fullmatch(step.target)
        if not found:
            raise Rejected(
                f"the target {step.target!r} is not [NAMESPACE/]pod/NAME, deployment/NAME or statefulset/NAME"
            )
        return cls(found["namespace"] or namespace, found["kind"], found["name"])


async def select(cluster: Cluster, told: ExecParameters, target: Target | None, namespace: str) -> Spot:
    """Raises `Rejected` when there is none that is ready, or more than one where only one may be."""
    if bool(told.selector) == bool(target):
        raise Rejected("either a target or a selector says in which pod it is run, and only one of them")
    where = target.namespace if target else namespace
    found = [pod for pod in await _pods(cluster, told, target, where) if _is_ready(pod)]
    what = f"{target.kind} {target.name}" if target else told.selector
    if not found:
        raise Rejected(f"no pod of {what} in {where} is ready")
    if len(found) > 1 and told.pod == "only":
        names = ", ".join(pod["metadata"]["name"] for pod in found)
        raise Rejected(f"{len(found)} pods of {what} in {where} are ready ({names}); say `pod: any`, or which")
    pod = min(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
    return Spot(where, pod["metadata"]["name"], _container(pod, told.container))


async def _pods(cluster: Cluster, told: ExecParameters, target: Target | None, namespace: str) -> list[Body]:
    if target is None:
        return await cluster.all(PODS, namespace, labelSelector=told.selector)
    if target.kind == "pod":
        return [await cluster.get(PODS, namespace, target.name)]
    workload = await cluster.get(WORKLOADS[target.kind], namespace, target.name)
    return await cluster.all(PODS, namespace, labelSelector=_selector(workload["spec"]["selector"]))


def _selector(selector: Body) -> str:
    """A LabelSelector in the words of a query (kubernetes.io/docs/concepts/overview/working-with-objects/labels)."""
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for each in selector.get("matchExpressions") or []:
        if each["operator"] in _OPERATORS:
            parts.append(f"{each['key']} {_OPERATORS[each['operator']]} ({','.join(each['values'])})")
        else:
            parts.append(each["key"] if each["operator"] == "Exists" else f"!{each['key']}")
    return ",".join(parts)


def _is_ready(pod: Body) -> bool:
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def _container(pod: Body, wanted: str) -> str:
    names = [container["name"] for container in pod["spec"]["containers"]]
    name = (
        wanted or (pod["metadata"].get("annotations") or {}).get(CONTAINER, "") or (names[0] if len(names) == 1 else "")
    )
    if name not in names:
        raise Rejected(f"pod {pod['metadata']['name']} has the containers {', '.join(names)}; say which")
    return str(name)
