"""A step as a Job that runs at most once, and the Secret that goes with it. Pure, but for reading the runbook's folder.

`backoffLimit: 0` with `restartPolicy: Never`: nothing is begun again after a failure. `podReplacementPolicy: Failed`: a
pod that is being ended counts as failed when it has ended, not before, so the Job does not end before its work. The
time-out stands twice: in the pod, whose output then stays, and with the time to wait for a node in the Job, for pods
that never get one. See kubernetes.io/docs/concepts/workloads/controllers/job, .../reference/kubernetes-api/
workload-resources/job-v1, and isPodFailed and manageJob in pkg/controller/job/job_controller.go.
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import yaml

from firstline.errors import Rejected
from firstline.executor import OUTPUT, Step
from firstline.executors.kubernetes.parameter import JobParameters, KubernetesParameters
from firstline.executors.kubernetes.settings import KubernetesSettings

RUN, STEP, DIGEST, LIMIT, RELEASED, CANCELLED, GIVEN_UP = (
    f"firstline.dev/{name}" for name in ("run", "step", "digest", "output-limit", "released", "cancelled", "given-up")
)
CONTAINER = "kubectl.kubernetes.io/default-container"  # a pod's annotation: which of its containers is meant
TERMINATION = "/dev/termination-log"  # what the container writes to it stands in the pod's status: 4096 bytes at most
PROGRAM, MOUNT = "firstline-program", "/firstline"
SECRETS = 1_048_576  # bytes that a Secret may hold

_ONCE = {
    "backoffLimit": 0,
    "parallelism": 1,
    "completions": 1,
    "completionMode": "NonIndexed",
    "podReplacementPolicy": "Failed",
}
# What else a Job may say: the rest brings retries, several pods, pods of others, or another controller.
_FREE = frozenset({"template", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "suspend"})

Body = dict[str, Any]


def name_of(step: str) -> str:
    """A Job's name, which is also a label's value: at most 63 small letters, digits and hyphens."""
    return f"firstline-{hashlib.sha256(step.encode()).hexdigest()[:32]}"


def annotations_of(job: Body) -> dict[str, str]:
    found: dict[str, str] = job["metadata"].get("annotations") or {}
    return found


def digest_of(step: Step) -> str:
    """What is to be done, without its secrets."""
    meaning = step.model_dump(mode="json", exclude={"name", "folder"})
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def job_of(step: Step, told: KubernetesParameters, settings: KubernetesSettings) -> Body:
    """Raises `Rejected` for what a Job can't hold to."""
    _refuse(step)
    if not told.template:
        return _filled(_of_image(told.job), step, settings)
    job = _read(step, told.template)
    try:
        _see_that_it_runs_once(told.template, job["spec"])
        return _filled(job, step, settings)
    except (LookupError, TypeError, AttributeError) as error:
        raise Rejected(f"the template {told.template!r} has not the form of a Job: {error}") from error


def _filled(job: Body, step: Step, settings: KubernetesSettings) -> Body:
    spec = job["spec"]
    pod = spec["template"]["spec"]
    spec |= _ONCE
    spec["activeDeadlineSeconds"] = math.ceil(step.timeout + settings.start_within)
    spec["ttlSecondsAfterFinished"] = settings.keep
    spec["suspend"] = has_secret(step)  # until its Secret is there
    pod["restartPolicy"] = "Never"
    pod["activeDeadlineSeconds"] = math.ceil(step.timeout)
    pod["terminationGracePeriodSeconds"] = math.ceil(settings.kill_grace)
    _equip(pod, step)
    _mark(job, step)
    return job


def has_secret(step: Step) -> bool:
    return bool(step.secrets) or program_of(step) is not None


def secret_of(step: Step, job: Body) -> Body:
    """The Job's own: it goes when the Job goes."""
    metadata = job["metadata"]
    program = program_of(step)
    text = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
    if program:
        text[PROGRAM] = _text(program)
    if sum(len(value.encode()) for value in text.values()) > SECRETS:
        raise Rejected(f"secrets and program are more than {SECRETS} bytes together: a Secret holds no more")
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": metadata["name"],
            "labels": {RUN: metadata["name"]},
            "ownerReferences": [owner],
        },
        "stringData": text,
    }


def program_of(step: Step) -> Path | None:
    """The program, where it is a file of the runbook's folder."""
    if not step.run or not step.folder:
        return None
    folder = Path(step.folder).resolve()
    program = step.run[0]
    if not program.startswith("./") and not Path(program).is_absolute():
        return None
    path = (folder / program).resolve()
    if path.is_relative_to(folder):
        if not path.is_file():
            raise Rejected(f"there is no file {program!r} in the runbook's folder")
        return path
    if program.startswith("./"):
        raise Rejected(f"{program!r} leaves the runbook's folder")
    return None


def _refuse(step: Step) -> None:
    if step.sandbox is not None:
        raise Rejected("a sandbox can't be promised in a pod: its network and its files are the cluster's to bound")
    for name in ("cpu", "file_size", "processes"):
        if getattr(step.bounds, name) is not None:
            raise Rejected(f"the bound {name!r} can't be kept in a pod; memory can")


def _of_image(told: JobParameters | None) -> Body:
    assert told is not None  # noqa: S101 - the model sees to it
    pod: Body = {"containers": [{"name": "main", "image": told.image}]}
    if told.service_account:
        pod["serviceAccountName"] = told.service_account
    if told.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in told.pull_secrets]
    if told.node_selector:
        pod["nodeSelector"] = dict(told.node_selector)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": {"template": {"spec": pod}}}


def _read(step: Step, name: str) -> Body:
    folder = Path(step.folder).resolve()
    path = (folder / name).resolve()
    if not step.folder or not path.is_relative_to(folder):
        raise Rejected(f"the template {name!r} is no file of the runbook's folder")
    try:
        found = json.loads(json.dumps(yaml.safe_load(path.read_text())), object_hook=_without_null)
    except (OSError, yaml.YAMLError, TypeError, ValueError) as error:
        raise Rejected(f"the template {name!r} can't be read: {error}") from error
    if not isinstance(found, dict) or (found.get("apiVersion"), found.get("kind")) != ("batch/v1", "Job"):
        raise Rejected(f"the template {name!r} is no Job of batch/v1")
    return {name: part for name, part in found.items() if name != "status"} | {"metadata": found.get("metadata", {})}


def _without_null(found: Body) -> Body:
    return {name: value for name, value in found.items() if value is not None}


def _see_that_it_runs_once(name: str, spec: Body) -> None:
    """A container's own `restartPolicy` goes before its pod's (kubernetes.io/docs/concepts/workloads/pods/
    pod-lifecycle); `Always` makes a sidecar of an init container, and may be."""
    pod = spec["template"]["spec"]
    said = [(f"spec.{field}", value, _ONCE.get(field)) for field, value in spec.items() if field not in _FREE]
    said += [("restartPolicy", pod.get("restartPolicy", "Never"), "Never")]
    for container in pod["containers"]:
        said += [(f"{container.get('name')}: restartPolicy", container.get("restartPolicy", "Never"), "Never")]
        said += [(f"{container.get('name')}: restartPolicyRules", container.get("restartPolicyRules"), None)]
    for field, value, must in said:
        if value != must:
            told = f"it is {must}" if must is not None else "it can't be said"
            raise Rejected(f"the template {name!r} says {field}: {value}; what runs here runs once, so {told}")


def _equip(pod: Body, step: Step) -> None:
    """The first container is the one that the step is about."""
    main = pod["containers"][0]
    program = program_of(step)
    if step.run:
        first = f"{MOUNT}/{program.name}" if program else step.run[0]
        main["command"] = [_literal(word) for word in (first, *step.run[1:])]
        main.pop("args", None)
    plain = {**step.environment, OUTPUT: TERMINATION}
    kept = [entry for entry in main.get("env", []) if entry["name"] not in {*plain, *step.secrets}]
    main["env"] = [
        *kept,
        *({"name": name, "value": _literal(value)} for name, value in plain.items()),
        *(
            {"name": name, "valueFrom": {"secretKeyRef": {"name": name_of(step.id), "key": name}}}
            for name in step.secrets
        ),
    ]
    main |= {"terminationMessagePath": TERMINATION, "terminationMessagePolicy": "File"}
    if step.directory:
        main["workingDir"] = step.directory
    if step.bounds.memory:
        main.setdefault("resources", {}).setdefault("limits", {})["memory"] = str(step.bounds.memory)
    if program:
        files = {
            "secretName": name_of(step.id),
            "defaultMode": 0o555,
            "items": [{"key": PROGRAM, "path": program.name}],
        }
        pod.setdefault("volumes", []).append({"name": "firstline", "secret": files})
        main.setdefault("volumeMounts", []).append({"name": "firstline", "mountPath": MOUNT, "readOnly": True})


def _mark(job: Body, step: Step) -> None:
    metadata, run = job["metadata"], {RUN: name_of(step.id)}
    metadata.pop("generateName", None)
    metadata.pop("namespace", None)
    metadata["name"] = name_of(step.id)
    metadata["labels"] = {**metadata.get("labels", {}), **run}
    metadata["annotations"] = {
        **metadata.get("annotations", {}),
        STEP: step.id,
        DIGEST: digest_of(step),
        LIMIT: str(step.output_limit),
    }
    template = job["spec"]["template"]
    its = template["metadata"] = {**template.get("metadata", {})}
    its["labels"] = {**its.get("labels", {}), **run}
    its["annotations"] = {**its.get("annotations", {}), CONTAINER: template["spec"]["containers"][0]["name"]}


def _literal(text: str) -> str:
    """As it is: in a container's command and variables `$(NAME)` would be replaced, and `$$` stands for `$`."""
    return text.replace("$", "$$")


def _text(program: Path) -> str:
    try:
        return program.read_text()
    except UnicodeDecodeError as error:
        raise Rejected(f"{program.name} is no text: a compiled program belongs in the image") from error
