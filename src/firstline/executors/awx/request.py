"""What a step asks of a template: the body of `POST /job_templates/ID/launch/`, and whether a job is what was asked.

AWX drops what a template does not prompt for, and launches all the same (`ignored_fields`; JobTemplate
._accept_or_ignore_job_kwargs). So what it prompts for is asked first (`GET launch/`), and seen to afterwards. Pure.
"""

import hashlib
import json
import math
import re
from typing import Any, NamedTuple

from firstline.errors import Rejected
from firstline.executor import Bounds, Step
from firstline.executors.awx.document import Launch, Made
from firstline.executors.awx.settings import AwxParameters
from firstline.executors.polled.foreign import read

OWN_HOSTS = "local"  # a step's default target: the template says where it runs
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

FLAGS = {
    "limit": "ask_limit_on_launch",
    "inventory": "ask_inventory_on_launch",
    "job_tags": "ask_tags_on_launch",
    "skip_tags": "ask_skip_tags_on_launch",
    "credentials": "ask_credential_on_launch",
    "job_type": "ask_job_type_on_launch",
}

Body = dict[str, Any]


class Template(NamedTuple):
    """What is known of it before the launch: `launch` is its own answer to what it prompts for, `passwords` and
    `survey` are variables that its survey asks for."""

    path: str
    launch: Launch
    survey: frozenset[str] = frozenset()
    passwords: frozenset[str] = frozenset()

    def takes(self, variable: str) -> bool:
        return self.launch.ask_variables_on_launch or variable in self.survey


class Key(NamedTuple):
    """By what the job is found again: an extra variable, or a tag that no task has. Neither: it can't be."""

    variable: str = ""
    tag: str = ""

    def fits(self, job: Body, step: str) -> bool:
        if self.variable:
            return bool(variables(job).get(self.variable) == step)
        return bool(self.tag) and self.tag in str(job.get("skip_tags") or "").split(",")


def refuse(step: Step, told: AwxParameters) -> None:
    """Raises `Rejected` for what a template has no use for."""
    unusable = {
        "run": step.run,
        "environment": step.environment,
        "directory": step.directory,
        "bounds": step.bounds != Bounds(),
        "sandbox": step.sandbox is not None,
    }
    if named := [name for name, given in unusable.items() if given]:
        raise Rejected(f"{_name(step)}: a template of AWX takes no {', '.join(named)}; the template itself says that")
    if told.limit and targets_of(step):
        raise Rejected(f"{_name(step)}: it has a limit and targets; one of them")
    if step.dry_run and told.is_workflow:
        raise Rejected(f"{_name(step)}: a workflow template has no dry run: the jobs in it are run as they are")
    if told.is_workflow and told.credentials:
        raise Rejected(f"{_name(step)}: a workflow template takes no credentials")


def key_of(step: Step, template: Template, variable: str) -> Key:
    if template.takes(variable):
        return Key(variable=variable)
    if template.launch.ask_skip_tags_on_launch:
        return Key(tag=f"firstline-{hashlib.sha256(step.id.encode()).hexdigest()[:24]}")
    return Key()


def body_of(step: Step, told: AwxParameters, template: Template, key: Key, found: Body) -> Body:
    """`found` has the numbers of what was named: inventory, credentials. With the secrets in it: for the wire alone.
    Raises `Rejected` for all that the template would not take."""
    secrets = {name: secret.get_secret_value() for name, secret in step.secrets.items()}
    ours = {key.variable: step.id} if key.variable else {}
    skip = [*told.skip_tags, *([key.tag] if key.tag else [])]
    body = {
        "extra_vars": {**told.extra_vars, **secrets, **ours},
        "limit": told.limit or ",".join(targets_of(step)),
        "job_tags": ",".join(told.tags),
        "skip_tags": ",".join(skip),
        "job_type": "check" if step.dry_run else "",
        **found,
    }
    body = {name: value for name, value in body.items() if value}
    _see_that_it_is_taken(step, body, template)
    if template.launch.ask_timeout_on_launch:
        body["timeout"] = math.ceil(step.timeout)
    return body


def passed_on(told: AwxParameters, body: Body) -> set[str]:
    """What of a workflow's launch is of use only as far as the templates in it take it. Our own tag is not."""
    ours = set() if told.skip_tags else {"skip_tags"}
    return {"limit", "inventory", "job_tags", "skip_tags"} & body.keys() - ours


def mismatches(job: Body, body: Body, hidden: frozenset[str]) -> list[str]:
    """What of a job is not as it was asked for. `hidden` variables are shown by nobody."""
    wrong: list[str] = [
        name
        for name in ("limit", "job_tags", "skip_tags", "job_type", "inventory", "timeout")
        if name in body and name in job and job[name] != body[name]
    ]
    has = variables(job)
    asked = body.get("extra_vars", {})
    wrong += [f"extra_vars.{name}" for name in asked if name not in hidden and has.get(name) != asked[name]]
    there = {each.id for each in read(Made, job, "AWX's job").summary_fields.credentials}
    if "credentials" in body and not set(body["credentials"]) <= there:
        wrong.append("credentials")
    return wrong


def variables(job: Body) -> Body:
    try:
        found = json.loads(str(job.get("extra_vars") or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _see_that_it_is_taken(step: Step, body: Body, template: Template) -> None:
    refused = [
        f"{name} ({flag})" for name, flag in FLAGS.items() if name in body and not getattr(template.launch, flag)
    ]
    if step.dry_run and not template.launch.ask_job_type_on_launch:
        raise Rejected(f"{_name(step)}: the template has no dry run: it does not prompt for the job type")
    strange = [name for name in body.get("extra_vars", {}) if not template.takes(name)]
    if strange:
        refused.append(f"extra_vars {', '.join(strange)} (ask_variables_on_launch, or a survey's question)")
    if refused:
        raise Rejected(
            f"{_name(step)}: the template does not prompt for {'; '.join(refused)}: AWX would leave it out, and run "
            "something else; set Prompt on Launch for it"
        )
    if lacking := sorted(set(template.launch.variables_needed_to_start) - set(body.get("extra_vars", {}))):
        raise Rejected(f"{_name(step)}: the template's survey needs {', '.join(lacking)}")
    if needed := template.launch.passwords_needed_to_start:
        raise Rejected(f"{_name(step)}: the template needs {', '.join(needed)} typed in at each launch")
    if open_ones := sorted(step.secrets.keys() - template.passwords):
        raise Rejected(
            f"{_name(step)}: the template's survey does not ask for {', '.join(open_ones)} as a password: AWX would "
            "store and show the secret"
        )


def targets_of(step: Step) -> tuple[str, ...]:
    """Raises `Rejected` for what Ansible would read as a pattern: it could mean more hosts than were let go."""
    targets = step.targets or (() if step.target in ("", OWN_HOSTS) else (step.target,))
    for target in targets:
        if not _HOST.fullmatch(target):
            raise Rejected(f"{_name(step)}: the target {target!r} is no host's name")
    return targets


def _name(step: Step) -> str:
    return step.name or "the step"
