"""Takes back what was done, last first, and looks what it is like now, for the person who goes on."""

from collections import defaultdict
from collections.abc import Iterator

from firstline.errors import Unknown
from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import EndUnknown, Findings, Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Command

Numbered = tuple[int, Command]


async def undo(procedure: Procedure, plan: Plan, findings: Findings) -> None:
    """Roll back and diagnose. A rollback that fails does not keep the rest from being tried: each is told. One whose
    end can't be told may be at work still: it keeps its own targets from what would come next. Raises `Unknown` then,
    when the others are done."""
    unknown: list[str] = []
    held: set[str] = set()
    for number, command in list(taken_back(plan, findings)):
        targets = {command.target, *command.targets}
        if targets & held:
            continue
        try:
            findings.outcomes.append(await _run(procedure, "rollback", number, command, findings))
        except EndUnknown as error:
            findings.outcomes.append(error.outcome)
            unknown.append(str(error))
            held |= targets
    for number, command in _looks(plan, findings):
        try:
            findings.outcomes.append(await _run(procedure, "diagnose", number, command, findings))
        except EndUnknown as error:  # it only looks: the fix has failed all the same
            findings.outcomes.append(error.outcome)
    if unknown:
        raise Unknown("; ".join(unknown))


async def _run(procedure: Procedure, phase: str, number: int, command: Command, findings: Findings) -> Outcome:
    return await procedure.run(phase, number, command, procedure.values(findings, command))


def taken_back(plan: Plan, findings: Findings) -> Iterator[Numbered]:
    """Of the rollback what has to be done: the undo of each step that was begun, the last first, then the rollback of
    each target, the last first."""
    by_step: dict[int | None, Numbered] = {}
    by_target: dict[str, list[Numbered]] = defaultdict(list)
    for number, command in enumerate(plan.runbook.rollback):
        if command.undoes is not None:
            by_step[command.undoes] = (number, command)
        else:
            by_target[command.target].append((number, command))
    wanted = set(findings.undo)
    for outcome in reversed(findings.of("step")):
        undone = by_step.get(outcome.number)
        if outcome.begun and undone is not None and wanted.intersection(undone[1].targets or (undone[1].target,)):
            yield undone
    for target in reversed(findings.undo):
        yield from by_target[target]


def _looks(plan: Plan, findings: Findings) -> Iterator[Numbered]:
    wanted = {*findings.lost, *findings.undo}
    return (each for each in enumerate(plan.runbook.diagnose) if each[1].target in wanted)
