"""A step as a Job that runs at most once, and the Secret that goes with it. Pure, but for reading the runbook's folder.

`backoffLimit: 0` with `restartPolicy: Never`: nothing is begun again after a failure. The time-out stands twice: in the
pod, whose output then stays, and with the time to wait for a node in the Job, for pods that never get one. See
kubernetes.io/docs/concepts/workloads/controllers/job and .../reference/kubernetes-api/workload-resources/job-v1.
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

RUN, STEP, DIGEST, LIMIT, CANCELLED, GIVEN_UP = (
    f"firstline.dev/{name}" for name in ("run", "step", "digest", "output-limit", "cancelled", "given-up")
)
TERMINATION = "/dev/termination-log"  # what the container writes to it stands in the pod's status: 4096 bytes at most
PROGRAM, MOUNT = "firstline-program", "/firstline"
SECRETS = 1_048_576  # bytes that a Secret may hold

_ONCE = (("backoffLimit", 0), ("parallelism", 1), ("completions", 1))

Body = dict[str, Any]


def name_of(step: str) -> str:
    """A Job's name, which is also a label's value: at most 63 small letters, digits and hyphens."""
    return f"firstline-{hashlib.sha256(step.encode()).hexdigest()[:32]}"


def digest_of(step: Step) -> str:
    """What is to be done, without its secrets."""
    meaning = step.model_dump(mode="json", exclude={"name", "folder"})
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def job_of(step: Step, told: KubernetesParameters, settings: KubernetesSettings) -> Body:
    """Raises `Rejected` for what a Job can't hold to."""
    _refuse(step)
    job = _read(step, told.template) if told.template else _of_image(told.job)
    spec = job["spec"]
    pod = spec["template"]["spec"]
    spec |= dict(_ONCE)
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
        job = yaml.safe_load(path.read_text())
        pod = job["spec"]["template"]["spec"]
        kind = (job["apiVersion"], job["kind"], bool(pod["containers"][0]["name"]))
    except (OSError, yaml.YAMLError, KeyError, TypeError, IndexError) as error:
        raise Rejected(f"the template {name!r} can't be read as a Job: {error}") from error
    if kind != ("batch/v1", "Job", True):
        raise Rejected(f"the template {name!r} is no Job of batch/v1")
    told = [(f"spec.{field}", job["spec"].get(field, value), value) for field, value in _ONCE]
    for field, said, must in [*told, ("restartPolicy", pod.get("restartPolicy", "Never"), "Never")]:
        if said != must:
            raise Rejected(f"the template {name!r} says {field}: {said}; what runs here runs once, so it is {must}")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": dict(job.get("metadata") or {}), "spec": job["spec"]}


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
    main["terminationMessagePath"] = TERMINATION
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
    template["metadata"] = dict(template.get("metadata") or {})
    template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), **run}


def _literal(text: str) -> str:
    """As it is: in a container's command and variables `$(NAME)` would be replaced, and `$$` stands for `$`."""
    return text.replace("$", "$$")


def _text(program: Path) -> str:
    try:
        return program.read_text()
    except UnicodeDecodeError as error:
        raise Rejected(f"{program.name} is no text: a compiled program belongs in the image") from error
