"""A plan for people who decide about it: all that it will do, and nothing that is found out later."""

import shlex

from pydantic import BaseModel, ConfigDict

from firstline.change.text import outputs, rollout
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
    rollout: str
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
        rollout=rollout(runbook),
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
    secrets = "".join(f"{variable}=<secret {name}> " for variable, name in command.secrets.items())
    environment = "".join(f"{name}={shlex.quote(value)} " for name, value in command.environment.items())
    when = f", only when {command.when}" if command.when else ""
    told = f"{secrets}{environment}{command.does} ({command.timeout:g} s{when}{_held(command)})"
    return exact(f"{command.name} on {command.target}: {told}{outputs(command)}")


def _held(command: Command) -> str:
    """What holds it: its sandbox, its bounds."""
    sandbox = command.sandbox
    bounds = [f"{name} {value:g}" for name, value in command.bounds.model_dump().items() if value is not None]
    if sandbox is not None:
        writes = f"writes to {', '.join(sandbox.writes)}" if sandbox.writes else "writes nothing"
        bounds += ["network" if sandbox.network else "no network", writes]
    return "".join(f", {bound}" for bound in bounds)


def _check(check: Check) -> str:
    return exact(f"{check.name} on {check.target}: {check.looks}")


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
