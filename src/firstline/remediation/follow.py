"""An emergency change that ran first: its approval is followed to its end, and then it is closed."""

import sqlalchemy as sa

from firstline.connector import Alarm, Standing
from firstline.governor import alarm
from firstline.incident import Reference
from firstline.remediation import cover
from firstline.remediation.closing import close_followed
from firstline.remediation.timeline import tell
from firstline.remediation.turn import Turn


async def following(turn: Turn) -> None:
    change, context = turn.change, turn.context
    if change is None:
        raise ValueError("a remediation in stage following has a change")
    standing = await cover.standing(turn, change)
    if standing.approval.state == "waiting":
        await turn.wait(f"{change.label} ran as an emergency and waits for its approval", context.changes.follow)
        return
    await context.database.write(lambda connection: _end(connection, turn, change, standing))
    context.writes.set()
    turn.goes = False


def _end(connection: sa.Connection, turn: Turn, change: Reference, standing: Standing) -> None:
    values = {"stage": "ended", "owner": None, "wake_at": None, "change_open": False}
    if not turn.update(connection, values):
        return
    by = ", ".join(standing.approval.by)
    if standing.approval.state == "refused":
        why = f"{change.label} ran as an emergency, and was refused afterwards{f' by {by}' if by else ''}"
        tell(connection, turn.id, "refused afterwards", f"{why}: {standing.approval.comment}".rstrip(": "))
        call = Alarm(
            key=f"refused.{turn.id}", summary=f"Firstline: {why}", url=f"{turn.context.url}/remediations/{turn.id}"
        )
        alarm.call(connection, turn.context.governor.pager, call, turn.id)
    else:
        tell(connection, turn.id, "approved afterwards", f"{change.label} is approved{f' by {by}' if by else ''}")
    close_followed(connection, turn.context, turn.id)
