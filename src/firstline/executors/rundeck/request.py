"""What a step asks of Rundeck: the body of `POST /job/ID/run`, in words of its API. Pure."""

import math
import re
from typing import Any

from firstline.errors import Rejected
from firstline.executor import Bounds, Step, parameters
from firstline.executors.rundeck.settings import RundeckParameters, RundeckSettings

OWN_NODES = "local"  # a step's default target: the job says where it runs
_NODE = re.compile(r"[\w.@-]+")


def job_of(step: Step) -> RundeckParameters:
    """A step's parameters. Raises `Rejected` for what a job has no use for."""
    unusable = {
        "run": step.run,
        "environment": step.environment,
        "directory": step.directory,
        "bounds": step.bounds != Bounds(),
        "sandbox": step.sandbox is not None,
    }
    if named := [name for name, given in unusable.items() if given]:
        raise Rejected(
            f"{step.name or 'the step'}: a job of Rundeck takes no {', '.join(named)}; the job itself says that"
        )
    job = parameters(RundeckParameters, step)
    if job.filter and targets_of(step):
        raise Rejected(f"{step.name or 'the step'}: it has a node filter and targets; one of them")
    return job


def body_of(step: Step, job: RundeckParameters, settings: RundeckSettings) -> dict[str, Any]:
    """With the secrets in it: for the wire alone. Raises `Rejected` when two things claim one option."""
    ours = {settings.key_option: step.id}
    if job.timeout_option:
        ours[job.timeout_option] = f"{math.ceil(step.timeout)}s"
    secrets = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
    for name in [*ours, *secrets]:
        if name in job.options or (name in ours and name in secrets):
            raise Rejected(f"the option {name} is given twice: it is {'ours' if name in ours else 'a secret'}")
    body = {
        "options": {name: _value(value) for name, value in job.options.items()} | ours | secrets,
        "filter": job.filter or filter_of(targets_of(step)),
        "loglevel": job.log_level,
        "asUser": job.as_user,
    }
    return {name: value for name, value in body.items() if value}


def filter_of(targets: tuple[str, ...]) -> str:
    """A node filter by names: https://docs.rundeck.com/docs/manual/11-node-filters.html"""
    for target in targets:
        if not _NODE.fullmatch(target):
            raise Rejected(f"{target!r} is no name of a node; for anything else, give a `filter`")
    return f"name: {','.join(targets)}" if targets else ""


def targets_of(step: Step) -> tuple[str, ...]:
    return step.targets or (() if step.target == OWN_NODES else (step.target,))


def _value(value: str | float | bool | list[str]) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, list) else str(value)


def secure_options(definition: Any) -> set[str]:
    """The options of a job's definition whose values Rundeck does not store
    (https://docs.rundeck.com/docs/manual/document-format-reference/job-yaml-v12.html: `secure`)."""
    jobs = definition if isinstance(definition, list) else [definition]
    options = [option for job in jobs if isinstance(job, dict) for option in job.get("options") or []]
    return {str(option["name"]) for option in options if isinstance(option, dict) and option.get("secure") is True}
