"""What is held waits for the clock; where somebody has changed what holds it, it is looked at at once."""

import sqlalchemy as sa

from firstline.guard import GuardName
from firstline.store.table import REMEDIATION, now


def wake_held(connection: sa.Connection, *guards: GuardName) -> None:
    """All that one of these guards holds is due now."""
    waits = sa.and_(REMEDIATION.c.wake_at > now(), REMEDIATION.c.owner.is_(None), REMEDIATION.c.holds.is_not(None))
    rows = connection.execute(sa.select(REMEDIATION.c.id, REMEDIATION.c.holds).where(waits)).all()
    ids = [row.id for row in rows if any(one["guard"] in guards for one in row.holds)]
    if ids:
        connection.execute(sa.update(REMEDIATION).where(waits, REMEDIATION.c.id.in_(ids)).values(wake_at=now()))
