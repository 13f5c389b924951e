"""`POST launch/`: what is accepted, what is ignored, what is refused (JobTemplate._accept_or_ignore_job_kwargs,
SurveyJobTemplateMixin, JobLaunchSerializer.validate, WorkflowJobLaunchSerializer.validate)."""

from typing import Any

import yaml

from firstline.testing.awx.world import ASK, PROMPTS, Job, Template, WorkflowTemplate, World

Body = dict[str, Any]

_INTEGERS = ("inventory", "timeout", "job_slice_count")


class Refused(Exception):
    def __init__(self, status: int, body: Body) -> None:
        super().__init__(body)
        self.status = status
        self.body = body


def launch_answer(template: Any) -> Body:
    """`GET launch/`."""
    survey = getattr(template, "survey", ())
    answer: Body = {f"ask_{name}_on_launch": name in template.asks for name in ASK}
    answer |= {
        "survey_enabled": bool(survey),
        "variables_needed_to_start": [question.variable for question in survey if question.required],
        "passwords_needed_to_start": [],
        "defaults": {},
    }
    if isinstance(template, Template):
        credentials = [{"id": number, "credential_type": 1 + number // 10} for number in template.credentials]
        answer["defaults"] = {"job_slice_count": template.slices, "credentials": credentials, "limit": template.limit}
    return answer


def launched(world: World, template: Any, body: Body) -> tuple[Job, Body]:
    """The job, and what of the request was left out of it."""
    if not getattr(template, "may_launch", True):
        raise Refused(403, {"detail": "You do not have permission to perform this action."})
    _check_types(body)
    variables, ignored = _variables(template, body.get("extra_vars") or {})
    fields: Body = {}
    for name, value in body.items():
        if name in PROMPTS and value != _default(template, name):
            (fields if PROMPTS[name] in template.asks else ignored)[name] = value
    hidden = frozenset(q.variable for q in getattr(template, "survey", ()) if q.type == "password")
    if isinstance(template, WorkflowTemplate):
        if ignored:
            errors = {name: ["Field is not configured to prompt on launch."] for name in ignored}
            raise Refused(400, errors)
        return world.launch(template, "workflow_job", variables, fields, hidden), {}
    if "credentials" in fields:
        _check_credentials(template, fields["credentials"])
    fields = {
        "limit": template.limit,
        "inventory": template.inventory,
        "credentials": [*template.credentials],
        **fields,
    }
    if template.slices > 1:
        return world.slice(template, variables, fields, hidden), ignored
    return world.launch(template, "job", variables, fields, hidden), ignored


def _variables(template: Any, given: Any) -> tuple[Body, Body]:
    given = _loaded(given)
    if not isinstance(given, dict):
        raise Refused(400, {"extra_vars": ["Must be valid JSON or YAML."]})
    survey = {question.variable: question for question in getattr(template, "survey", ())}
    missing = [name for name, question in survey.items() if question.required and name not in given]
    if missing:
        raise Refused(400, {"variables_needed_to_start": [f"'{name}' value missing" for name in missing]})
    for name, question in survey.items():
        if len(str(given.get(name, ""))) > question.longest:
            words = f"'{name}' value {given[name]} is too large (must be no more than {question.longest})."
            raise Refused(400, {"variables_needed_to_start": [words]})
    if "variables" in template.asks:
        return dict(given), {}
    ignored = {name: value for name, value in given.items() if name not in survey}
    accepted = {name: value for name, value in given.items() if name in survey}
    return accepted, {"extra_vars": ignored} if ignored else {}


def _loaded(given: Any) -> Any:
    """Also a text of JSON or YAML is taken (vars_validate_or_raise)."""
    try:
        return yaml.safe_load(given) if isinstance(given, str) else given
    except yaml.YAMLError:
        return None


def _check_types(body: Body) -> None:
    for name in _INTEGERS:
        if name in body and not isinstance(body[name], int):
            raise Refused(400, {name: ["Incorrect type. Expected pk value, received str."]})
    if body.get("job_type", "run") not in ("run", "check"):
        raise Refused(400, {"job_type": [f'"{body["job_type"]}" is not a valid choice.']})
    if body.get("inventory", 1) not in (1, 2):
        raise Refused(400, {"inventory": [f'Invalid pk "{body["inventory"]}" - object does not exist.']})


def _check_credentials(template: Template, given: list[int]) -> None:
    types = {1 + number // 10 for number in given}
    lost = [number for number in template.credentials if number not in given and 1 + number // 10 not in types]
    if lost:
        words = "Removing credential at launch time without replacement is not supported."
        raise Refused(400, {"credentials": [words]})


def _default(template: Any, name: str) -> Any:
    """What is asked for and is so anyway is neither accepted nor ignored."""
    if name == "credentials":
        return list(getattr(template, "credentials", ()))
    return {"limit": getattr(template, "limit", ""), "inventory": getattr(template, "inventory", None)}.get(name)
