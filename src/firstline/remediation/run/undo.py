"""Takes back what was done, last first, and looks what it is like now, for the person who goes on."""

from collections.abc import Iterator

from firstline.errors import Unknown
from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import EndUnknown, Findings, Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.remediation.run.rollback import Numbered, taken_back
from firstline.runbook import Command


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


def _looks(plan: Plan, findings: Findings) -> Iterator[Numbered]:
    wanted = {*findings.lost, *findings.undo}
    return (each for each in enumerate(plan.runbook.diagnose) if each[1].target in wanted)
