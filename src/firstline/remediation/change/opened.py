"""The change is open and waits: for those who approve it, for its window. Their answer, or the clock, wakes it."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from firstline.connector import Approval, Standing
from firstline.guard import Hold
from firstline.guard.override import override_of
from firstline.incident import Reference
from firstline.remediation import eyes
from firstline.remediation.change import cover
from firstline.remediation.planning import drift
from firstline.remediation.ready import looked, passes
from firstline.remediation.turn import Turn
from firstline.settings import OWN_REGISTER
from firstline.store.table import now

MAY_BEGIN = ("new", "assess", "authorize", "scheduled", "implement")


async def opened(turn: Turn) -> None:
    change = turn.change
    if change is None:
        raise ValueError("a remediation in stage opened has a change")
    if await drift.has_drifted(turn):
        return
    standing = await cover.standing(turn, change)
    if await _is_over(turn, change, standing) or not await _may_begin(turn, change, standing):
        return
    names = _names(turn.row["approved_by"], standing.approval)
    if names != turn.row["approved_by"]:
        told = f"{change.label} in {change.connection} is approved by {', '.join(standing.approval.by)}"
        if not await turn.move({"approved_by": names}, "approved", told):
            return
    if not await passes(turn):
        return
    findings = await looked(turn)
    if findings is not None:
        await cover.implement(turn, change, findings)


async def _is_over(turn: Turn, change: Reference, standing: Standing) -> bool:
    """A person has refused, canceled or closed it: then nothing runs under it."""
    approval = standing.approval
    if approval.state == "refused" or standing.state == "canceled":
        said = ", ".join(approval.by) or "somebody"
        how = approval.comment or ("refused" if approval.state == "refused" else "canceled it")
        await turn.end("refused", turn.findings, f"{change.label}: {said}: {how}")
        return True
    if standing.state in ("review", "closed"):
        why = f"{change.label} is in {standing.state}: somebody moved it there, and nothing was run"
        await turn.end("stopped", turn.findings, why)
        return True
    return False


async def _may_begin(turn: Turn, change: Reference, standing: Standing) -> bool:
    """False: the turn is over, until those who have to answer, or its manager, have done something."""
    unanswered = await _unanswered(turn, change, standing)
    if unanswered:
        await _wait(turn, unanswered)
        return False
    window = None if override_of(turn.row) else _window(change, standing)
    if window is None:
        return True
    if window.until is not None:
        await turn.hold([window], turn.context.changes.follow)
    elif cover.waits(turn):
        await _wait(turn, window)
    else:  # nobody approved those times: they were the hub's own
        await drift.renew(turn, turn.plan, window.why)
    return False


async def _unanswered(turn: Turn, change: Reference, standing: Standing) -> Hold | None:
    approval, waits = standing.approval, cover.waits(turn)
    if approval.state == "waiting" and not cover.runs_first(turn):
        whom = f" by {', '.join(approval.by)}" if approval.by else ""
        return Hold(guard="change", why=f"{change.label} waits for its approval{whom}", mend=approval.comment)
    if approval.state == "not_required" and waits and not turn.plan.question:
        why = f"{change.label} got past its approval, and nobody has approved it"
        return Hold(guard="change", why=why, mend="A change of its type needs somebody's word: ask for it there.")
    uncounted = await turn.context.database.read(lambda connection: _uncounted(connection, turn, approval))
    if uncounted and waits:
        return Hold(guard="change", why=f"{change.label}: {uncounted}", mend="Somebody else has to approve it.")
    if standing.state not in MAY_BEGIN:
        return Hold(guard="change", why=f"{change.label} is in {standing.state or 'a status nobody explained'}")
    return None


def _uncounted(connection: sa.Connection, turn: Turn, approval: Approval) -> str:
    """Why nobody of those who approved counts; empty: somebody does, or nobody had to."""
    if approval.state != "approved":
        return ""
    name, context = turn.plan.change_register, turn.context
    own = () if name == OWN_REGISTER else eyes.own_accounts(context.connector(name).settings)
    actor = eyes.actor_of(connection, turn.row["event_id"])
    return eyes.uncounted(connection, turn.plan, turn.incident, name, approval, actor=actor, own=own)


def _names(before: str, approval: Approval) -> str:
    """Everybody who let it go: in the hub, and in the change's register."""
    by: Iterable[str] = approval.by if approval.state == "approved" else ()
    return ", ".join(dict.fromkeys([*filter(None, before.split(", ")), *by]))


def _window(change: Reference, standing: Standing) -> Hold | None:
    start, end = standing.planned_start, standing.planned_end
    if start is not None and start > now():
        why = f"{change.label} is planned to begin at {start:%Y-%m-%d %H:%M} UTC"
        return Hold(guard="change", why=why, until=start)
    if end is not None and end <= now():
        why = f"the window of {change.label} ended at {end:%Y-%m-%d %H:%M} UTC"
        return Hold(guard="change", why=why, mend="Move the change's planned start and end, or cancel it.")
    return None


async def _wait(turn: Turn, hold: Hold) -> None:
    """Until it is answered; at the latest until what was asked expires."""
    asked = turn.row["asked_at"] or turn.row["created_at"]
    if asked + timedelta(seconds=turn.plan.asks.expires or turn.context.expires) <= now():
        await turn.end("expired", turn.findings, f"Nobody answered in time: {hold.why}")
        return
    await turn.hold([hold], turn.context.changes.follow)
