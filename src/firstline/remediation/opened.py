"""The change is open and waits: for those who approve it, for its window. Their answer, or the clock, wakes it."""

from datetime import timedelta

import sqlalchemy as sa

from firstline.connector import Approval, Standing
from firstline.guard import Hold
from firstline.incident import Reference
from firstline.remediation import cover, eyes
from firstline.remediation.ready import looked, passes
from firstline.remediation.turn import Turn
from firstline.settings import OWN_REGISTER
from firstline.store.table import now

MAY_BEGIN = ("new", "assess", "authorize", "scheduled", "implement")


async def opened(turn: Turn) -> None:
    change = turn.change
    if change is None:
        raise ValueError("a remediation in stage opened has a change")
    standing = await cover.standing(turn, change)
    if standing.approval.state == "refused" or standing.state == "canceled":
        said = ", ".join(standing.approval.by) or "somebody"
        await turn.end("refused", turn.findings, f"{change.label}: {said}: {standing.approval.comment or 'refused'}")
        return
    held = await _held(turn, change, standing)
    if held:
        await _wait(turn, held)
        return
    names = ", ".join(standing.approval.by)
    if names and names != turn.row["approved_by"]:
        told = f"{change.label} in {change.connection} is approved by {names}"
        if not await turn.move({"approved_by": names}, "approved", told):
            return
    if not await passes(turn):
        return
    findings = await looked(turn)
    if findings is not None:
        await cover.implement(turn, change, findings)


async def _held(turn: Turn, change: Reference, standing: Standing) -> list[Hold]:
    approval = standing.approval
    if approval.state == "waiting":
        whom = f" by {', '.join(approval.by)}" if approval.by else ""
        return [Hold(guard="change", why=f"{change.label} waits for its approval{whom}")]
    uncounted = await turn.context.database.read(lambda connection: _uncounted(connection, turn, approval))
    if uncounted:
        return [Hold(guard="change", why=f"{change.label}: {uncounted}", mend="Somebody else has to approve it.")]
    if standing.state not in MAY_BEGIN:
        return [Hold(guard="change", why=f"{change.label} is in {standing.state or 'a status nobody explained'}")]
    return _window(change, standing)


def _uncounted(connection: sa.Connection, turn: Turn, approval: Approval) -> str:
    """Why nobody of those who approved counts; empty: somebody does, or nobody had to."""
    if approval.state != "approved":
        return ""
    name, context = turn.plan.change_register, turn.context
    own = () if name == OWN_REGISTER else eyes.own_accounts(context.connector(name).settings)
    actor = eyes.actor_of(connection, turn.row["event_id"])
    return eyes.uncounted(connection, turn.plan, turn.incident, name, approval, actor=actor, own=own)


def _window(change: Reference, standing: Standing) -> list[Hold]:
    start, end = standing.planned_start, standing.planned_end
    if start is not None and start > now():
        return [
            Hold(guard="change", why=f"{change.label} is planned to begin at {start:%Y-%m-%d %H:%M} UTC", until=start)
        ]
    if end is not None and end <= now():
        why = f"the window of {change.label} ended at {end:%Y-%m-%d %H:%M} UTC"
        return [Hold(guard="change", why=why, mend="Move the change's planned start and end, or cancel it.")]
    return []


async def _wait(turn: Turn, holds: list[Hold]) -> None:
    """Until it is answered; at the latest until what was asked expires."""
    asked = turn.row["asked_at"] or turn.row["created_at"]
    if asked + timedelta(seconds=turn.plan.asks.expires or turn.context.expires) <= now():
        await turn.end("expired", turn.findings, f"Nobody answered in time: {holds[0].why}")
        return
    await turn.hold(holds, turn.context.changes.follow)
