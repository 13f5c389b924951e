"""The change record that covers a remediation: there, and in Implement, before the first step that changes anything."""

from datetime import timedelta

import sqlalchemy as sa

from firstline.connector import Approval, ChangeDraft, Conflict, Evidence, Standing
from firstline.errors import Rejected
from firstline.governor import alarm
from firstline.guard import Hold
from firstline.incident import Reference
from firstline.remediation import approval as questions
from firstline.remediation.closing import change_key, change_record
from firstline.remediation.finding import Findings
from firstline.remediation.plan import Plan, draft
from firstline.remediation.timeline import tell
from firstline.remediation.turn import Turn
from firstline.settings import OWN_REGISTER
from firstline.store.table import now

SPARE = 900.0  # seconds planned beyond what the runbook's limits ask for


async def open_change(turn: Turn) -> Reference:
    """Open the change, or find it. Raises what the register raises."""
    if turn.change is not None:
        return turn.change
    context = turn.context
    async with context.asking(turn.plan.change_register):
        register = context.register(turn.plan.change_register)
        change = await register.open(context.mask.model(drafted(turn, tried=turn.tried)))
    values = {
        "change": change.model_dump(mode="json"),
        "change_record": change_record(change),
        "change_type": turn.plan.change_type,
        "asked_at": now(),
    }
    # Kept at once: whatever happens next, whoever looks finds it, and nobody opens a second one.
    if not await turn.move(
        values, "change", f"Opened {turn.plan.change_type} change {change.label} in {change.connection}"
    ):
        raise Rejected("another process has taken this remediation over")
    return change


def drafted(turn: Turn, *, tried: bool) -> ChangeDraft:
    """The change request for the plan, with the time that is planned for it."""
    start = now()
    planned = {
        "planned_start": start,
        "planned_end": start + timedelta(seconds=_window(turn.plan, turn.context.expires)),
    }
    made = draft(turn.plan, turn.incident, change_key(turn.id, turn.row["plan_digest"]), tried=tried)
    return made.model_copy(update=planned)


def _window(plan: Plan, expires: float) -> float:
    """Seconds: what the runbook asks for; else until its question expires, where somebody is asked, and its run."""
    if plan.runbook.change is not None and plan.runbook.change.window is not None:
        return plan.runbook.change.window
    waits = (plan.asks.expires or expires) if plan.change_type == "normal" else 0.0
    return waits + plan.runbook.limits.timeout + SPARE


async def asks(turn: Turn, change: Reference) -> bool:
    """Ask for the change's approval, where its type has to wait for one. False: it may begin."""
    if turn.plan.change_type == "standard" or _runs_first(turn):
        return False
    context = turn.context
    notes = Evidence(notes=f"Firstline asks for approval of plan {turn.row['plan_digest']}.")
    async with context.asking(turn.plan.change_register):
        await context.register(turn.plan.change_register).request(change, notes)
    return True


async def standing(turn: Turn, change: Reference) -> Standing:
    """As the register says; in the hub's own, its question to people decides."""
    context, register = turn.context, turn.context.register(turn.plan.change_register)
    if register is context.own:
        answer = await context.database.read(lambda c: questions.answered(c, turn.id, turn.row["plan_digest"]))
        if answer is not None and answer.state in ("approved", "refused"):
            await context.own.decided(change, Approval(state=answer.state, by=answer.names, comment=answer.comment))
    async with context.asking(turn.plan.change_register):
        return await register.standing(change)


def _runs_first(turn: Turn) -> bool:
    return turn.plan.change_type == "emergency" and turn.context.changes.emergency == "first"


async def implement(turn: Turn, change: Reference, findings: Findings) -> None:
    """Bring the change to Implement and announce it; held where another change or a blackout touches the same item."""
    context, plan = turn.context, turn.plan
    register = context.register(plan.change_register)
    async with context.asking(plan.change_register):
        conflicts = [] if turn.row["override"] else await register.conflicts(change)
        if conflicts:
            await _held(turn, conflicts)
            return
        told = await _begin(turn, change, findings)
    live = f"{change.label}: {plan.runbook.title} for {turn.incident.reference.label}"
    where = f"{context.url}/remediations/{turn.id}"

    def prepared(connection: sa.Connection) -> bool:
        values = {
            "attempts": 0,
            "stage": "prepared",
            "holds": None,
            "reason": "",
            "findings": findings.model_dump(mode="json"),
        }
        if not turn.update(connection, values):
            return False
        turn.row |= values
        tell(connection, turn.id, "prepared", told)
        if _runs_first(turn) and plan.change_register == OWN_REGISTER:
            questions.ask(connection, context, turn.row)
        alarm.announce(connection, context.governor.pager, turn.id, live, where)
        return True

    turn.goes = await context.database.write(prepared)


async def _begin(turn: Turn, change: Reference, findings: Findings) -> str:
    """Move it, and say what became of it. An emergency change that runs first may still wait for its approval."""
    plan, register = turn.plan, turn.context.register(turn.plan.change_register)
    evidence = Evidence(notes=_notes(turn, findings), work_start=now())
    try:
        await register.move(change, "implement", evidence)
    except Rejected as error:
        if not _runs_first(turn):
            raise
        await register.request(change, evidence)
        return f"Emergency change {change.label} in {change.connection} is filed, its approval follows: {error}"
    return f"{plan.change_type.capitalize()} change {change.label} in {change.connection} is in Implement"


def _notes(turn: Turn, findings: Findings) -> str:
    seen = [f"seen: {one.name} on {one.target}" for one in findings.of("before")]
    begins = f"Firstline begins {turn.plan.named} for {turn.incident.reference.label}, plan {turn.row['plan_digest']}."
    by = f"Let go by {turn.row['approved_by'] or f'mapping {turn.plan.mapping} in mode {turn.plan.mode}'}."
    return "\n".join([begins, by, *seen])


async def _held(turn: Turn, conflicts: list[Conflict]) -> None:
    found = [Hold(guard="conflict", why=f"{one.kind}: {one.what}", mend="Move one of the two.") for one in conflicts]
    if turn.row["stage"] == "ready" and not await turn.move({"stage": "opened"}):
        return
    await turn.hold(found, turn.context.changes.follow)
