"""An emergency change that ran first: its approval is followed to its end, and then it is closed."""

from functools import partial

import sqlalchemy as sa

from firstline.connector import Alarm, Standing
from firstline.errors import FirstlineError, Rejected, Unknown
from firstline.governor import alarm
from firstline.incident import Reference
from firstline.remediation import approval as questions
from firstline.remediation.change import cover
from firstline.remediation.change.closing import close_followed
from firstline.remediation.timeline import tell
from firstline.remediation.turn import Turn
from firstline.settings import OWN_REGISTER

OVER = ("closed", "canceled")  # states that a person brought it to: nothing is left to be moved
OVER_VALUES = {"stage": "ended", "owner": None, "wake_at": None, "change_open": False}


async def following(turn: Turn) -> None:
    change, context = turn.change, turn.context
    if change is None:
        raise ValueError("a remediation in stage following has a change")
    try:
        unasked = await _asked(turn, change)
        standing = await cover.standing(turn, change)
    except (Rejected, Unknown) as error:
        await context.database.write(partial(_lose, turn=turn, change=change, error=error))
        turn.goes = False
        return
    if standing.approval.state == "waiting" and standing.state not in OVER:
        await _wait(turn, change)
        return
    await context.database.write(lambda connection: _end(connection, turn, change, standing, unasked))
    context.writes.set()
    turn.goes = False


async def _asked(turn: Turn, change: Reference) -> str:
    """Ask its approvers, where that failed before; why nobody can be asked, where the register says so."""
    try:
        await cover.ask(turn, change)
    except Rejected as error:
        return str(error)
    return ""


async def _wait(turn: Turn, change: Reference) -> None:
    """In the hub's own register a question that nobody answered in time is asked again."""
    context, said = turn.context, f"{change.label} ran as an emergency and waits for its approval"
    await context.database.write(lambda connection: _ask_again(connection, turn))
    context.wake()
    await turn.wait(said, context.changes.follow)


def _ask_again(connection: sa.Connection, turn: Turn) -> None:
    if turn.plan.change_register != OWN_REGISTER:
        return
    answer = questions.answered(connection, turn.id, turn.row["plan_digest"])
    if answer is None or answer.state == "expired":
        questions.ask(connection, turn.context, turn.row)


def _end(connection: sa.Connection, turn: Turn, change: Reference, standing: Standing, unasked: str) -> None:
    if not turn.update(connection, OVER_VALUES):
        return
    approval, by = standing.approval, ", ".join(standing.approval.by)
    if approval.state == "refused" or standing.state == "canceled":
        _refused(connection, turn, change, by, approval.comment)
    elif approval.state == "approved":
        tell(connection, turn.id, "approved afterwards", f"{change.label} is approved{f' by {by}' if by else ''}")
    else:
        why = unasked or "its register asks for none"
        tell(connection, turn.id, "not approved", f"Nobody approved {change.label} afterwards: {why}")
    if standing.state not in OVER:
        close_followed(connection, turn.context, turn.id)


def _lose(connection: sa.Connection, turn: Turn, change: Reference, error: FirstlineError) -> None:
    """It is gone, or nobody can tell where it stands."""
    if turn.update(connection, OVER_VALUES):
        why = f"{change.label} ran as an emergency; its approval can't be followed: {error}"
        tell(connection, turn.id, "not approved", why)
        _call(connection, turn, why)


def _refused(connection: sa.Connection, turn: Turn, change: Reference, by: str, comment: str) -> None:
    why = f"{change.label} ran as an emergency, and was refused afterwards{f' by {by}' if by else ''}"
    tell(connection, turn.id, "refused afterwards", f"{why}: {comment}".rstrip(": "))
    _call(connection, turn, why)


def _call(connection: sa.Connection, turn: Turn, why: str) -> None:
    where = f"{turn.context.url}/remediations/{turn.id}"
    called = Alarm(key=f"refused.{turn.id}", summary=f"Firstline: {why}"[:1024], url=where)
    alarm.call(connection, turn.context.governor.pager, called, turn.id)
