"""What else is planned on a change's item in its time, in Firstline's own register."""

from datetime import UTC, datetime

import sqlalchemy as sa

from firstline.change.lifecycle import ENDED
from firstline.connector import Conflict
from firstline.register import change
from firstline.store.table import CHANGE, now

_EVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def conflicts(connection: sa.Connection, number: int, url: str) -> list[Conflict]:
    """Those at work, and those that were opened before and may run: if both waited for each other, none would run."""
    own = change.read(connection, number)
    if not own["ci"]:
        return []
    query = sa.select(CHANGE).where(
        CHANGE.c.ci == own["ci"],
        CHANGE.c.state.not_in(ENDED),
        CHANGE.c.approval.in_(("not_required", "approved")) | (CHANGE.c.state == "implement"),
        (CHANGE.c.state == "implement") | (CHANGE.c.number < number),
        CHANGE.c.number != number,
    )
    others = connection.execute(query.order_by(CHANGE.c.number)).mappings().all()
    return [_conflict(other, url) for other in others if _meet(own, other)]


def _meet(own: change.Row, other: change.Row) -> bool:
    """Whether their times meet. A time that nobody planned is any time; what is at work goes on for now."""
    begins, ends = _planned(own)
    starts, stops = _planned(other)
    if other["state"] == "implement":
        stops = max(stops, now())
    return starts < ends and begins < stops


def _planned(row: change.Row) -> tuple[datetime, datetime]:
    return row["planned_start"] or _ALWAYS, row["planned_end"] or _EVER


def _conflict(row: change.Row, url: str) -> Conflict:
    name = change.name(row["number"])
    what = f"{name} {row['draft']['short_description']}, in {row['state']}"
    return Conflict(kind="change", what=what, url=f"{url}/changes/{name}" if url else "")
