"""Takes back what was done, last first, and looks what it is like now, for the person who goes on."""

from collections.abc import Iterator

from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import Findings
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Command

Numbered = tuple[int, Command]


async def undo(procedure: Procedure, plan: Plan, findings: Findings) -> None:
    """Roll back and diagnose. A rollback that fails does not keep the rest from being tried: each is told."""
    done = {(outcome.phase, outcome.number) for outcome in findings.of("rollback", "diagnose")}
    work = [("rollback", each) for each in taken_back(plan, findings)]
    work += [("diagnose", each) for each in _looks(plan, findings)]
    for phase, (number, command) in work:
        if (phase, number) not in done:
            values = procedure.values(findings, command)
            findings.outcomes.append(await procedure.run(phase, number, command, values))


def taken_back(plan: Plan, findings: Findings) -> Iterator[Numbered]:
    """Of the rollback what has to be done: the undo of each step that was begun, the last first, then the rollback of
    each target, the last first."""
    rollback = list(enumerate(plan.runbook.rollback))
    by_step = {command.undoes: (number, command) for number, command in rollback if command.undoes is not None}
    for outcome in reversed(findings.of("step")):
        undone = by_step.get(outcome.number) if outcome.number is not None else None
        if outcome.begun and undone is not None and _concerns(undone[1], findings):
            yield undone
    for target in reversed(findings.undo):
        yield from (each for each in rollback if each[1].undoes is None and each[1].target == target)


def _looks(plan: Plan, findings: Findings) -> Iterator[Numbered]:
    wanted = {*findings.lost, *findings.undo}
    return (each for each in enumerate(plan.runbook.diagnose) if each[1].target in wanted)


def _concerns(command: Command, findings: Findings) -> bool:
    return any(target in findings.undo for target in command.targets or (command.target,))
