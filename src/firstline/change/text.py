"""What stands on a change request, so that who approves it knows what they let go.

An approver's form in ServiceNow shows title, description, justification, implementation plan, risk and impact, backout
plan, CI, times, risk; not the test plan, notes or files. So what must be known stands in those. Fields hold 4,000
characters: what has to be cut is prose, never a digest, and of steps the last, with their number."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from firstline.connector import ChangeDraft
from firstline.declaration import Json
from firstline.incident import Incident
from firstline.runbook import Change, Check, Command, ResolvedRunbook
from firstline.visible import exact

TITLE = 160  # characters
FIELD = 4_000
TESTS = 800  # of the implementation plan's room: a connector may repeat the test plan there
LINE = 600  # of one step: its beginning says what it does, the plan's digest binds the rest
LIST = 600
_BOUNDS = ("pattern", "enum", "minimum", "maximum", "max_length")


@dataclass(frozen=True)
class Case:
    """What a change is for. `reason`: why it is of another type than the runbook asks for. `approvers`: who lets it go,
    or who did, as people say it. `guards`: what was looked at and let it pass."""

    runbook: ResolvedRunbook
    incident: Incident
    plan_digest: str
    mapping: str
    mode: str
    environment: str
    reason: str = ""
    approvers: str = ""
    guards: tuple[str, ...] = ()
    url: str = ""


def draft(case: Case, key: str, *, tried: bool) -> ChangeDraft:
    """The change request for a plan. Raises ValueError where its runbook needs none."""
    runbook, change = case.runbook, case.runbook.change
    if change is None:
        raise ValueError("a runbook that only reads has no change")
    return ChangeDraft(
        key=key,
        type=change.type,
        template=change.template,
        short_description=cut(f"{runbook.title}: {_fault(case.incident)}", TITLE),
        description=description(case),
        justification=justification(case),
        implementation_plan=implementation(case),
        risk_and_impact=risk(runbook, change),
        backout_plan=backout(runbook, change),
        test_plan=cut(proof(runbook.after), TESTS),
        ci=change.ci,
        risk=change.level,
        incident=case.incident.reference,
        tried=tried,
    )


def description(case: Case) -> str:
    runbook = case.runbook
    facts = [
        f"Plan: {case.plan_digest}. Only this plan runs under this change.",
        f"Runbook: {runbook.id} {runbook.version}, digest {runbook.runbook_digest}.",
        f"On it: {runbook.owner}{f'; followed at {case.url}' if case.url else ''}.",
        f"Environment: {case.environment}.",
        f"Targets ({len(runbook.targets)}): {joined(runbook.targets)}.",
        f"Type: {case.reason}." if case.reason else "",
        f"Looked at before it was filed, and nothing held it: {joined(case.guards)}." if case.guards else "",
        f"Proved by: {joined(f'{check.name} on {check.target}' for check in runbook.after)}." if runbook.after else "",
    ]
    kept = "\n".join(fact for fact in facts if fact)
    return f"{cut(runbook.description, FIELD - len(kept) - 2)}\n\n{kept}".strip()


def justification(case: Case) -> str:
    reference = case.incident.reference
    priority = f", priority {case.incident.priority}" if case.incident.priority else ""
    told = [
        f"It mends {_fault(case.incident)}{priority} ({reference.url or f'{reference.connection} {reference.id}'}).",
        f"Matched by {case.mapping}, which works in mode {case.mode}.",
        f"{case.approvers[:1].upper()}{case.approvers[1:]}." if case.approvers else "",
    ]
    return cut("\n".join(line for line in told if line), FIELD)


def implementation(case: Case) -> str:
    runbook = case.runbook
    more = f"the plan has them all: {case.url or case.plan_digest}"
    before = (
        [f"Checked first, and not begun unless: {joined(c.name for c in runbook.before)}."] if runbook.before else []
    )
    head = [f"Plan {case.plan_digest}", *before]
    room = FIELD - TESTS - len("\n".join(head)) - 1
    return "\n".join([*head, *fitting(numbered(map(step, runbook.steps)), room, more)])


def risk(runbook: ResolvedRunbook, change: Change) -> str:
    targets = "1 target" if len(runbook.targets) == 1 else f"{len(runbook.targets)} targets"
    group = f" of {len(runbook.group)} that do the same work" if runbook.group else ""
    limits = [
        f"It touches {targets}{group}, and stops after {lasting(runbook.limits.timeout)}.",
        rollout(runbook),
        f"The rest must be healthy first: {joined(c.name for c in runbook.healthy)}." if runbook.healthy else "",
        "" if runbook.rollback else "A failure is not rolled back by itself.",
    ]
    kept = " ".join(line for line in limits if line)
    return f"{cut(change.risk, FIELD - len(kept) - 2)}\n\n{kept}".strip()


def rollout(runbook: ResolvedRunbook) -> str:
    """In how many goes its targets are taken on; empty for one."""
    goes = runbook.goes
    if len(goes.batches) == 1 and goes.parallel == 1:
        return ""
    sizes = ", ".join(str(len(each)) for each in goes.batches[:10]) + (" ..." if len(goes.batches) > 10 else "")
    allowed = f"more than {goes.failures} have failed" if goes.failures else "one has failed"
    return f"Targets in {len(goes.batches)} goes ({sizes}), {goes.parallel} at a time, and no further when {allowed}."


def backout(runbook: ResolvedRunbook, change: Change) -> str:
    if runbook.rollback:
        steps = fitting(numbered(map(step, runbook.rollback)), FIELD // 2, "the plan has them all")
        by_itself = ["When a step or a check fails, this runs by itself:", *steps]
    else:
        by_itself = [] if change.backout else [f"None: nothing is undone by itself. {runbook.owner} is called."]
    return "\n\n".join(part for part in (cut(change.backout, FIELD // 2 - 100), "\n".join(by_itself)) if part)


def proof(checks: Iterable[Check]) -> str:
    """Each check with how long it is waited for, and how long it must go on holding."""
    return "\n".join(f"{n}. {_check(check)}" for n, check in enumerate(checks, 1)) or "By the exit status of its steps."


def step(command: Command) -> str:
    """One step as it will run, for people."""
    when = f" (only when {command.when})" if command.when else ""
    return exact(f"{command.name} on {command.target}: {command.does}{when}{outputs(command)}")


def outputs(command: Command) -> str:
    """What a step gives to later ones, with what may stand there."""
    bounds = (f"{name}: {_bound(declared)}" for name, declared in command.outputs.items())
    return f" (gives {', '.join(bounds)})" if command.outputs else ""


def _bound(declared: dict[str, Json]) -> str:
    kept = (f"{key} {value}" for key, value in declared.items() if key in _BOUNDS and value not in (None, "", [], 0))
    return ", ".join((str(declared["type"]), *kept))


def numbered(lines: Iterable[str]) -> list[str]:
    return [f"{n}. {cut(line, LINE)}" for n, line in enumerate(lines, 1)]


def fitting(lines: list[str], room: int, more: str) -> list[str]:
    """As many lines as there is room for; of those left out, how many, and `more`."""
    kept = _first(lines, room)
    if len(kept) < len(lines):
        kept = _first(lines, room - len(more) - 20)
        return [*kept, f"... and {len(lines) - len(kept)} more; {more}"]
    return kept


def joined(names: Iterable[str], room: int = LIST) -> str:
    """A list in a line, as much of it as fits."""
    every = list(names)
    kept = _first(every, room)
    left_out = f" and {len(every) - len(kept)} more" if len(kept) < len(every) else ""
    return ", ".join(kept) + left_out


def _first(lines: list[str], room: int) -> list[str]:
    ends = accumulate(len(line) + 2 for line in lines)
    return [line for line, end in zip(lines, ends, strict=True) if end <= room]


def cut(text: str, room: int) -> str:
    """The text, or its beginning."""
    text = text.strip()
    return text if len(text) <= room else f"{text[: max(0, room - 4)].rstrip()} ..."


def lasting(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 120 else f"{math.ceil(seconds / 60)} min"


def _fault(incident: Incident) -> str:
    return f"{incident.reference.label} {incident.title}".strip()


def _check(check: Check) -> str:
    within = f", within {lasting(check.within)}" if check.within else ""
    hold = f", and still after {lasting(check.hold)}" if check.hold else ""
    return f"{check.name} on {check.target}{within}{hold}: {check.looks}"
