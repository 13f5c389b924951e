"""A plan for people who decide about it: all that it will do, and nothing that is found out later."""

import shlex

from pydantic import BaseModel, ConfigDict

from firstline.declaration import Json
from firstline.remediation.plan import Plan
from firstline.runbook import Check, Command
from firstline.visible import exact


class PlanShown(BaseModel):
    """`digest` is what an approval binds."""

    model_config = ConfigDict(frozen=True)

    digest: str
    mapping: str
    mode: str
    declared: str
    environment: str
    runbook: str
    runbook_digest: str
    inputs: dict[str, Json]
    targets: tuple[str, ...]
    group: tuple[str, ...]
    before: tuple[str, ...]
    steps: tuple[str, ...]
    after: tuple[str, ...]
    rollback: tuple[str, ...]
    limits: dict[str, Json]
    change: str
    change_reason: str
    risk: str
    approvals: str


def shown(plan: Plan) -> PlanShown:
    runbook, change = plan.runbook, plan.runbook.change
    return PlanShown(
        digest=plan.digest,
        mapping=plan.mapping,
        mode=plan.mode,
        declared=plan.declared,
        environment=plan.environment,
        runbook=f"{plan.pack}/{plan.named}, owned by {runbook.owner}",
        runbook_digest=runbook.runbook_digest,
        inputs=runbook.inputs,
        targets=runbook.targets,
        group=runbook.group,
        before=tuple(map(_check, (*runbook.before, *runbook.healthy))),
        steps=tuple(map(_command, runbook.steps)),
        after=tuple(map(_check, runbook.after)),
        rollback=tuple(map(_command, runbook.rollback)),
        limits={name: value for name, value in runbook.limits.model_dump(mode="json").items() if value is not None},
        change=_change(plan),
        change_reason=plan.change_reason,
        risk=" ".join(filter(None, (change.level, change.risk))) if change else "it only reads",
        approvals=_approvals(plan),
    )


def _command(command: Command) -> str:
    environment = "".join(f"{name}={shlex.quote(value)} " for name, value in command.environment.items())
    return exact(f"{command.name} on {command.target}: {environment}{shlex.join(command.run)} ({command.timeout:g} s)")


def _check(check: Check) -> str:
    if check.http is not None:
        return exact(f"{check.name} on {check.target}: {check.http.url} answers {check.http.status}")
    return exact(f"{check.name} on {check.target}: {shlex.join(check.run)}")


def _change(plan: Plan) -> str:
    change = plan.runbook.change
    if change is None:
        return "none: it only reads"
    named = f"{change.type}, {change.template}" if change.template else change.type
    return f"{named}, in {plan.change_register or 'no register'}{f', on {change.ci}' if change.ci else ''}"


def _approvals(plan: Plan) -> str:
    if plan.mode == "suggest":
        return "none: it is only suggested"
    if plan.mode == "auto":
        return "that of its change" if plan.change_type == "normal" else f"none: mode auto of {plan.mapping}"
    if not plan.question:
        return "that of its change"
    return f"{plan.asks.count} of {', '.join(plan.asks.by) or 'those with the right'}"
