"""What the hub itself needs people for: rows of the outbox for the connection that calls them (`alarms.connection`),
left in the transaction of what they tell. Never an alarm about an alarm, nor about the pager to the pager: those are in
the log."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from firstline.connector import Alarm, Announcement
from firstline.incident import Reference
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import WRITE_BACK, WriteBackRow, now

ALARM, ANNOUNCEMENT = "alarm", "announcement"
_OWN = (ALARM, ANNOUNCEMENT)
AGAIN = timedelta(hours=1)  # until the same is told anew where more of it comes


def parked(connection: sa.Connection, pager: str, row: Any, reason: str, url: str) -> None:
    """A write was refused, and waits for a person. `row`: of the outbox. One alarm for a connection: where a right was
    taken away it refuses thousands."""
    if row["act"] in _OWN:
        return
    name, record = row["connection"], row["reference"].get("number") or row["reference"]["id"]
    details = {"connection": name, "record": record, "act": row["act"], "reason": reason}
    alarm = Alarm(
        key=_parked(name),
        summary=f"Firstline: {name} refused a write on {record}: {reason}"[:1024],
        details=details | {"all": f"{url}/api/v1/write-backs?state=parked&connection={name}"},
        url=f"{url}/remediations/{row['remediation_id']}",
    )
    call(connection, pager, alarm, row["remediation_id"], again=AGAIN)


def mended(connection: sa.Connection, pager: str, name: str) -> None:
    """A parked write of the connection is tried again, or discarded: over when it was the last."""
    mine = (WRITE_BACK.c.state == "parked", WRITE_BACK.c.connection == name, WRITE_BACK.c.act.not_in(_OWN))
    if connection.execute(sa.select(WRITE_BACK.c.id).where(*mine).limit(1)).first() is None:
        withdraw(connection, pager, _parked(name), "Firstline: a person has taken up what was refused")


def paused(connection: sa.Connection, pager: str, name: str, reason: str) -> None:
    """A connection is paused until a person resumes it."""
    if name == pager:
        return
    alarm = Alarm(
        key=_paused(name),
        summary=f"Firstline: the connection {name} is paused: {reason}"[:1024],
        severity="critical",
        details={"connection": name, "reason": reason},
    )
    call(connection, pager, alarm)


def resumed(connection: sa.Connection, pager: str, name: str) -> None:
    withdraw(connection, pager, _paused(name), f"Firstline: the connection {name} is in use again")


def call(
    connection: sa.Connection, pager: str, alarm: Alarm, remediation_id: str = "", again: timedelta | None = None
) -> None:
    """Raise an alarm, once until it is withdrawn; `again`: after so long once more, because a person may have closed it
    there. Without a pager: nothing."""
    if pager and not _stands(connection, pager, alarm.key, again):
        insert(connection, _row(pager, ALARM, f"alarm.{new_id()}", alarm.key, alarm, remediation_id))


def withdraw(connection: sa.Connection, pager: str, key: str, summary: str) -> None:
    """Say that nobody is needed any more, if somebody was called."""
    if pager and _stands(connection, pager, key):
        over = Alarm(key=key, summary=summary[:1024], severity="info", resolved=True)
        insert(connection, _row(pager, ALARM, f"alarm.{new_id()}", key, over, ""))


def announce(connection: sa.Connection, pager: str, remediation_id: str, summary: str, url: str) -> None:
    """A change went live. Again, after a crash: nothing."""
    key = f"{remediation_id}.live"
    known = sa.select(WRITE_BACK.c.id).where(WRITE_BACK.c.connection == pager, WRITE_BACK.c.key == key)
    if pager and connection.execute(known).first() is None:
        live = Announcement(key=key, summary=summary[:1024], at=now(), url=url)
        insert(connection, _row(pager, ANNOUNCEMENT, key, key, live, remediation_id))


def _stands(connection: sa.Connection, pager: str, key: str, within: timedelta | None = None) -> bool:
    """True when the last word on this alarm, not longer ago than `within`, was that a person is needed."""
    last = (
        sa.select(WRITE_BACK.c.body, WRITE_BACK.c.due_at)
        .where(WRITE_BACK.c.connection == pager, WRITE_BACK.c.record == f"{ALARM}:{key}")
        .order_by(WRITE_BACK.c.id.desc())
        .limit(1)
    )
    row = connection.execute(last).first()
    return row is not None and not row.body["resolved"] and (within is None or row.due_at > now() - within)


def _row(pager: str, act: str, name: str, key: str, body: BaseModel, remediation_id: str) -> WriteBackRow:
    reference = Reference(connection=pager, kind=act, id=key)
    return WriteBackRow(
        remediation_id=remediation_id,
        connection=pager,
        record=f"{act}:{key}",
        key=name,
        act=act,
        reference=reference.model_dump(mode="json"),
        body=body.model_dump(mode="json"),
    )


def _parked(name: str) -> str:
    return f"parked.{name}"


def _paused(name: str) -> str:
    return f"paused.{name}"
