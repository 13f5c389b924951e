"""The change record that covers a remediation: there, and in Implement, before the first step that changes anything."""

from datetime import timedelta

import sqlalchemy as sa

from firstline.connector import Approval, ChangeDraft, Conflict, Evidence, Standing
from firstline.errors import Rejected, Unavailable
from firstline.governor import alarm
from firstline.guard import Hold
from firstline.guard.override import override_of
from firstline.incident import Reference
from firstline.remediation import approval as questions
from firstline.remediation.change.closing import canceled, change_key, change_record
from firstline.remediation.hold.admission import admitted
from firstline.remediation.plan import Plan, draft
from firstline.remediation.run.finding import Findings
from firstline.remediation.timeline import tell
from firstline.remediation.turn import Turn
from firstline.settings import OWN_REGISTER
from firstline.store.table import now

AFTERWARDS = "It ran first, as an emergency: Firstline asks for its approval afterwards."
SPARE = 900.0  # seconds planned beyond what the runbook's limits ask for


async def open_change(turn: Turn) -> Reference:
    """Open the change, or find it. Raises what the register raises."""
    if turn.change is not None:
        return turn.change
    context = turn.context
    async with context.asking(turn.plan.change_register):
        register = context.register(turn.plan.change_register)
        before = await context.database.read(lambda connection: canceled(connection, turn.id))
        change = await register.open(context.mask.model(drafted(turn, before, tried=turn.tried)))
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


def drafted(turn: Turn, before: int = 0, *, tried: bool) -> ChangeDraft:
    """The change request for the plan, with the time that is planned for it. `before`: its changes that were canceled
    until now."""
    start = now()
    planned = {
        "planned_start": start,
        "planned_end": start + timedelta(seconds=_window(turn.plan, turn.context.expires)),
    }
    key = change_key(turn.id, turn.row["plan_digest"], before)
    url = f"{turn.context.url}/remediations/{turn.id}"
    made = draft(turn.plan, turn.incident, key, tried=tried, approved_by=turn.row["approved_by"], url=url)
    return made.model_copy(update=planned)


def _window(plan: Plan, expires: float) -> float:
    """Seconds: for its run, what the runbook asks for; before it, where somebody is asked, until they need not answer
    any more."""
    asked = plan.runbook.change.window if plan.runbook.change is not None else None
    waits = (plan.asks.expires or expires) if plan.change_type == "normal" else 0.0
    return waits + (plan.runbook.limits.timeout + SPARE if asked is None else asked)


def waits(turn: Turn) -> bool:
    """Whether nothing may run before somebody has approved its change."""
    return turn.plan.change_type != "standard" and not runs_first(turn)


def runs_first(turn: Turn) -> bool:
    """Whether it is an emergency that policy lets run before its change is approved."""
    return turn.plan.change_type == "emergency" and turn.context.changes.emergency == "first"


async def ask(turn: Turn, change: Reference) -> None:
    """Ask for the change's approval, in its register's own way. Asked already: nothing happens."""
    context = turn.context
    notes = Evidence(notes=f"Firstline asks for approval of plan {turn.row['plan_digest']}.")
    async with context.asking(turn.plan.change_register):
        await context.register(turn.plan.change_register).request(change, notes)


async def standing(turn: Turn, change: Reference) -> Standing:
    """As the register says; in the hub's own, its question to people decides."""
    context, register = turn.context, turn.context.register(turn.plan.change_register)
    if register is context.own:
        answer = await context.database.read(lambda c: questions.answered(c, turn.id, turn.row["plan_digest"]))
        if answer is not None and answer.state in ("approved", "refused"):
            await context.own.decided(change, Approval(state=answer.state, by=answer.names, comment=answer.comment))
    async with context.asking(turn.plan.change_register):
        return await register.standing(change)


async def implement(turn: Turn, change: Reference, findings: Findings) -> None:
    """Bring the change to Implement and announce it; held where another change or a blackout touches the same item."""
    context, plan = turn.context, turn.plan
    register = context.register(plan.change_register)
    async with context.asking(plan.change_register):
        conflicts = [] if override_of(turn.row) else await register.conflicts(change)
        if conflicts:
            await _held(turn, conflicts)
            return
        if not await admitted(turn):  # a freeze may have begun since it was asked
            return
        told = await _begin(turn, change, findings)
    live = f"{change.label}: {plan.runbook.title} for {turn.incident.reference.label}"
    where = f"{context.url}/remediations/{turn.id}"

    def prepared(connection: sa.Connection) -> bool:
        found = findings.model_dump(mode="json")
        values = {"attempts": 0, "stage": "prepared", "findings": found, **turn.unheld}
        if not turn.update(connection, values):
            return False
        turn.row |= values
        tell(connection, turn.id, "prepared", told)
        if runs_first(turn) and plan.change_register == OWN_REGISTER:
            questions.ask(connection, context, turn.row)
        alarm.announce(connection, context.governor.pager, turn.id, live, where)
        return True

    turn.goes = await context.database.write(prepared)


async def _begin(turn: Turn, change: Reference, findings: Findings) -> str:
    """Move it, and say what became of it. An emergency change that runs first may still wait for its approval."""
    plan, register = turn.plan, turn.context.register(turn.plan.change_register)
    evidence = Evidence(notes=_notes(turn, findings), work_start=now())
    there = f"{plan.change_type.capitalize()} change {change.label} in {change.connection}"
    if not runs_first(turn):
        await register.move(change, "implement", evidence)
        return f"{there} is in Implement"
    try:
        await register.move(change, "implement", evidence)
    except Rejected as error:
        return f"{there} is filed, and could not go to Implement: {error}. {await _asked_after(turn, change)}"
    return f"{there} is in Implement. {await _asked_after(turn, change)}"


async def _asked_after(turn: Turn, change: Reference) -> str:
    """Ask for an approval that comes afterwards. An answer that fails to come holds no emergency: who follows the
    change asks again."""
    try:
        await turn.context.register(turn.plan.change_register).request(change, Evidence(notes=AFTERWARDS))
    except Rejected as error:
        return f"Nobody can be asked to approve it afterwards: {error}"
    except Unavailable as error:
        return f"Its approval is asked for later: {error}"
    return "Its approval is asked for."


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
