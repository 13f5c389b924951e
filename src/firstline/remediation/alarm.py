"""What the hub itself needs people for: rows of the outbox for the connection that calls them (`alarms.connection`),
left in the transaction of what they tell. Never an alarm about an alarm, nor about the pager to the pager: those are in
the log."""

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from firstline.connector import Alarm, Announcement
from firstline.incident import Reference
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import WRITE_BACK, WriteBackRow, now

ALARM, ANNOUNCEMENT = "alarm", "announcement"


def parked(connection: sa.Connection, pager: str, row: Any, reason: str, url: str) -> None:
    """A write was refused, and waits for a person. `row`: of the outbox."""
    if row["act"] in (ALARM, ANNOUNCEMENT):
        return
    record = row["reference"].get("number") or row["reference"]["id"]
    alarm = Alarm(
        key=_parked(row["id"]),
        summary=f"Firstline: {row['connection']} refused a write on {record}: {reason}"[:1024],
        details={"connection": row["connection"], "record": record, "act": row["act"], "reason": reason},
        url=f"{url}/remediations/{row['remediation_id']}",
    )
    call(connection, pager, alarm, row["remediation_id"])


def mended(connection: sa.Connection, pager: str, write_back_id: str) -> None:
    """A parked write is tried again, or discarded."""
    withdraw(connection, pager, _parked(write_back_id), "Firstline: a person has taken up the refused write")


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


def call(connection: sa.Connection, pager: str, alarm: Alarm, remediation_id: str = "") -> None:
    """Raise an alarm, once until it is withdrawn. Without a pager: nothing."""
    if pager and not _stands(connection, pager, alarm.key):
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


def _stands(connection: sa.Connection, pager: str, key: str) -> bool:
    """True when the last word on this alarm was that a person is needed."""
    last = (
        sa.select(WRITE_BACK.c.body)
        .where(WRITE_BACK.c.connection == pager, WRITE_BACK.c.record == f"{ALARM}:{key}")
        .order_by(WRITE_BACK.c.id.desc())
        .limit(1)
    )
    body = connection.scalar(last)
    return body is not None and not body["resolved"]


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


def _parked(write_back_id: str) -> str:
    return f"parked.{write_back_id}"


def _paused(name: str) -> str:
    return f"paused.{name}"
