"""What the API server refuses: unknown fields (fieldValidation=Strict), bad values, changes of what is immutable.

Names of fields: kubernetes.io/docs/reference/kubernetes-api, Job v1, Pod v1, Secret v1; those that a Job's pod may
plausibly have. Rules: pkg/apis/batch/validation and pkg/apis/core/validation.
"""

import re
from typing import Any

from firstline.testing.kubernetes.status import Refused, invalid

Body = dict[str, Any]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|[kMGTPE]i?|Ki)?")

# What each object may hold; a name as value says what stands under it, [name] that it is a list of those.
_FIELDS: dict[str, dict[str, Any]] = {
    "jobs": {"apiVersion": "", "kind": "", "metadata": "metadata", "spec": "job", "status": ""},
    "secrets": {
        **dict.fromkeys(("apiVersion", "kind", "data", "stringData", "type", "immutable"), ""),
        "metadata": "metadata",
    },
    "metadata": dict.fromkeys(
        ("name", "generateName", "namespace", "labels", "annotations", "ownerReferences", "finalizers", "uid",
         "resourceVersion", "creationTimestamp", "generation", "managedFields"), ""
    ),
    "job": {
        **dict.fromkeys(
            ("activeDeadlineSeconds", "backoffLimit", "completions", "parallelism", "completionMode", "suspend",
             "ttlSecondsAfterFinished", "selector", "manualSelector", "podFailurePolicy", "podReplacementPolicy"), ""
        ),
        "template": "template",
    },
    "template": {"metadata": "metadata", "spec": "pod"},
    "pod": {
        **dict.fromkeys(
            ("activeDeadlineSeconds", "affinity", "automountServiceAccountToken", "dnsPolicy", "enableServiceLinks",
             "hostNetwork", "imagePullSecrets", "nodeName", "nodeSelector", "priorityClassName", "restartPolicy",
             "schedulerName", "securityContext", "serviceAccountName", "terminationGracePeriodSeconds", "tolerations",
             "volumes"), ""
        ),
        "containers": ["container"],
        "initContainers": ["container"],
    },
    "container": {
        **dict.fromkeys(
            ("name", "image", "command", "args", "imagePullPolicy", "resources", "securityContext", "workingDir",
             "terminationMessagePath", "terminationMessagePolicy", "volumeMounts", "ports", "stdin", "tty", "envFrom"),
            "",
        ),
        "env": ["variable"],
    },
    "variable": dict.fromkeys(("name", "value", "valueFrom"), ""),
}  # fmt: skip


def check_new(kind: str, body: Body) -> None:
    if kind in ("jobs", "secrets"):  # the others are made by the stand-in itself, or by a test
        _check_fields(kind, body, "")
    name = body.get("metadata", {}).get("name", "")
    if not _NAME.fullmatch(name):
        raise invalid(kind, name, "metadata.name", "a lowercase RFC 1123 subdomain is required")
    for key, value in body["metadata"].get("labels", {}).items():
        if not _LABEL.fullmatch(value):
            raise invalid(kind, name, f"metadata.labels.{key}", "a valid label must be at most 63 characters")
    for owner in body["metadata"].get("ownerReferences", []):
        if not {"apiVersion", "kind", "name", "uid"} <= set(owner):
            raise invalid(kind, name, "metadata.ownerReferences", "must not be empty")
    if kind == "jobs":
        _check_job(name, body)
    if kind == "secrets":
        _check_secret(name, body)


def check_change(kind: str, before: Body, after: Body) -> None:
    if kind != "jobs":
        return
    _check_fields(kind, after, "")
    name = before["metadata"]["name"]
    for field in ("template", "completions", "selector", "completionMode"):
        if before["spec"].get(field) != after["spec"].get(field):
            raise invalid(kind, name, f"spec.{field}", "field is immutable")
    _check_numbers(name, after["spec"])


def _check_fields(kind: str, body: Any, path: str) -> None:
    known = _FIELDS[kind]
    if not isinstance(body, dict):
        raise Refused(400, "BadRequest", f"json: cannot unmarshal into {path or kind}")
    for field, value in body.items():
        at = f"{path}.{field}".lstrip(".")
        if field not in known:
            raise Refused(400, "BadRequest", f'strict decoding error: unknown field "{at}"')
        under = known[field]
        for one in value if isinstance(under, list) else [value] if under else []:
            _check_fields(under[0] if isinstance(under, list) else under, one, at)


def _check_job(name: str, body: Body) -> None:
    spec = body["spec"]
    pod = spec["template"]["spec"]
    if len(name) > 63:
        raise invalid("Job.batch", name, "metadata.name", "must be no more than 63 characters")
    _check_numbers(name, spec)
    _check_numbers(name, pod)
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        raise invalid("Job.batch", name, "spec.template.spec.restartPolicy", 'supported values: "OnFailure", "Never"')
    if not pod.get("containers"):
        raise invalid("Job.batch", name, "spec.template.spec.containers", "Required value")
    for container in pod["containers"]:
        _check_container(name, container)


def _check_container(name: str, container: Body) -> None:
    at = "spec.template.spec.containers[0]"
    if not container.get("image"):
        raise invalid("Job.batch", name, f"{at}.image", "Required value")
    for variable in container.get("env", []):
        if not _VARIABLE.fullmatch(variable["name"]) or ("value" in variable and "valueFrom" in variable):
            raise invalid("Job.batch", name, f"{at}.env", f"{variable['name']}: a valid environment variable name")
        if not isinstance(variable.get("value", ""), str):
            raise Refused(400, "BadRequest", f"json: cannot unmarshal into {at}.env.value of type string")
    for quantity in container.get("resources", {}).get("limits", {}).values():
        if not _QUANTITY.fullmatch(str(quantity)):
            raise Refused(400, "BadRequest", "quantities must match the regular expression")
    if not all(isinstance(word, str) for word in container.get("command", [])):
        raise Refused(400, "BadRequest", f"json: cannot unmarshal into {at}.command of type string")


def _check_numbers(name: str, spec: Body) -> None:
    for field in ("activeDeadlineSeconds", "backoffLimit", "completions", "parallelism", "ttlSecondsAfterFinished"):
        value = spec.get(field, 0)
        if not isinstance(value, int):
            raise Refused(400, "BadRequest", f"json: cannot unmarshal number into spec.{field} of type int64")
        if value < 0:
            raise invalid("Job.batch", name, f"spec.{field}", "must be greater than or equal to 0")


def _check_secret(name: str, body: Body) -> None:
    held = {**body.get("data", {}), **body.get("stringData", {})}
    for key in held:
        if not _KEY.fullmatch(key):
            raise invalid("Secret", name, f"data[{key}]", "a valid config key must consist of alphanumeric characters")
    if sum(len(value.encode()) for value in held.values()) > 1_048_576:
        raise invalid("Secret", name, "data", "Too long: may not be more than 1048576 bytes")
