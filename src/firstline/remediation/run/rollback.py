"""What takes back what was done. Pure."""

from collections import defaultdict
from collections.abc import Iterator

from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import Findings
from firstline.runbook import Command

Numbered = tuple[int, Command]


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


def left(plan: Plan, findings: Findings) -> list[Command]:
    """What would take back all that was begun, and has not done so."""
    begun = {each.target for each in findings.of("step") if each.begun}
    begun |= {target for step in plan.runbook.steps if step.target in begun for target in step.targets}
    touched = [target for target in plan.runbook.targets if target in begun]
    done = {each.number for each in findings.of("rollback") if each.ok}
    everything = taken_back(plan, findings.model_copy(update={"undo": touched}))
    return [command for number, command in everything if number not in done]
