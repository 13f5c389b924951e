"""Which writes of the outbox are sent next: of each record the earliest, with what can be folded into it. They are
marked before they are tried."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from firstline.governor import alarm
from firstline.governor.connection import paused
from firstline.ledger import entry
from firstline.outbox import fold
from firstline.store.database import insert, update
from firstline.store.table import REMEDIATION, WRITE_BACK

FOLDED = 500  # rows of one record that are looked at at a time

Row = dict[str, Any]

_PENDING = WRITE_BACK.c.state == "pending"
_NAME: sa.BindParameter[str] = sa.bindparam("name")
_RECORD: sa.BindParameter[str] = sa.bindparam("record")
_MOMENT: sa.BindParameter[datetime] = sa.bindparam("moment")
_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)


def _candidates_of(acts: sa.ColumnElement[bool]) -> sa.Select[Any]:
    other = sa.alias(WRITE_BACK)
    first = (
        sa.select(sa.func.min(other.c.id))
        .where(other.c.connection == _NAME, other.c.record == WRITE_BACK.c.record, other.c.state == "pending")
        .where(sa.or_(other.c.attempts > 0, other.c.due_at <= _MOMENT))
        .scalar_subquery()
    )
    return (
        sa.select(WRITE_BACK.c.record)
        .where(_PENDING, WRITE_BACK.c.connection == _NAME, WRITE_BACK.c.due_at <= _MOMENT, acts)
        .where(WRITE_BACK.c.record.not_in(sa.bindparam("seen", expanding=True)), WRITE_BACK.c.id == first)
        .order_by(WRITE_BACK.c.id)
        .limit(sa.bindparam("room"))
    )


# Made once: to make them takes longer than to ask them, and each write asks.
_ALARMS, _OTHERS = (_candidates_of(acts) for acts in (WRITE_BACK.c.act == alarm.ALARM, WRITE_BACK.c.act != alarm.ALARM))
_DUE = sa.select(WRITE_BACK.c.connection).where(_PENDING, WRITE_BACK.c.due_at <= _MOMENT).distinct()
_UNSENT = (
    sa.select(WRITE_BACK)
    .where(_PENDING, WRITE_BACK.c.connection == _NAME, WRITE_BACK.c.record == _RECORD)
    .order_by(WRITE_BACK.c.id)
    .limit(FOLDED)
    .with_for_update()
)
_ENDED = sa.select(REMEDIATION.c.id).where(REMEDIATION.c.id.in_(_IDS), REMEDIATION.c.stage == "ended")
_TRIED = sa.select(WRITE_BACK.c.body).where(
    WRITE_BACK.c.remediation_id.in_(_IDS),
    WRITE_BACK.c.connection == _NAME,
    WRITE_BACK.c.record == _RECORD,
    WRITE_BACK.c.act == "note",
    WRITE_BACK.c.attempts > 0,
)


def waiting(connection: sa.Connection, moment: datetime) -> set[str]:
    """The connections that something is due for."""
    return set(connection.execute(_DUE, {"moment": moment}).scalars())


def claim(
    connection: sa.Connection,
    name: str,
    busy: Collection[str],
    room: int,
    moment: datetime,
    url: str,
    *,
    pages: bool,
) -> list[Row]:
    """Mark the next writes of one connection, at most `room`, none of a busy record. Where it `pages` people, alarms go
    first. `tried` of each says whether the vendor may have seen it before; `attempts` names this try."""
    if name in paused(connection):
        return []
    claimed: list[Row] = []
    for acts in (_ALARMS, _OTHERS) if pages else (_OTHERS,):
        seen = {*busy, *(row["record"] for row in claimed)}
        while room > len(claimed):
            wanted = room - len(claimed)
            asked = {"name": name, "seen": list(seen), "room": wanted, "moment": moment}
            records = _candidates(connection, acts, asked)
            seen.update(records)
            found = [_next(connection, name, record, moment, url) for record in records]
            claimed += [row for row in found if row is not None]
            if len(records) < wanted:
                break
    for row in claimed:
        values = {"state": "sending", "attempts": row["attempts"], "body": row["body"]}
        update(connection, WRITE_BACK, {"id": row["id"]}, values)
    return claimed


def said(row: fold.Row) -> str:
    """What a write is, for people."""
    body = row["body"]
    words = {
        "note": "Note",
        "state": f"State {body.get('to')}",
        "change": f"Change to {body.get('to')}",
        "update": "Update of fields",
        "attachment": f"File {body.get('name')}",
        "alarm": "Alarm",
        "announcement": "Announcement",
        "notification": "Notification",
    }
    return words.get(row["act"], str(row["act"]))


def _candidates(connection: sa.Connection, acts: sa.Select[Any], asked: Mapping[str, Any]) -> list[str]:
    """Records with a row that is due, and nothing before it but rows that were never tried and have time: the later may
    make those needless. Each connection is asked for its own: what one can't take holds no other."""
    return list(connection.execute(acts, asked).scalars())


def _next(connection: sa.Connection, name: str, record: str, moment: datetime, url: str) -> Row | None:
    """The record's next write, after folding; None when it is not due."""
    rows = [dict(row) for row in connection.execute(_UNSENT, {"name": name, "record": record}).mappings()]
    if not rows:
        return None
    ended = _ended(connection, rows) if len(rows) > 1 else set()
    left = fold.reduce(rows, ended)
    into, first = left.into, left.kept[0]
    due = first["due_at"] <= moment
    written = _written(connection, name, record, rows) if due and first["act"] == "note" else set()
    body = first["body"]
    if due and len(left.kept) > 1 and first["act"] == "note":
        body, merged = fold.merge(left.kept, _live(left.kept, written, ended), f"{url}/remediations")
        into = into | merged.into
    _fold(connection, rows, into, moment)
    if not due:
        return None
    tried = first["attempts"] > 0 or (first["act"] == "note" and body["key"] in written)
    return {**first, "body": body, "tried": tried, "attempts": first["attempts"] + 1}


def _ended(connection: sa.Connection, rows: Collection[fold.Row]) -> set[str]:
    return set(connection.execute(_ENDED, {"ids": _remediations(rows)}).scalars())


def _written(connection: sa.Connection, name: str, record: str, rows: Collection[fold.Row]) -> set[str]:
    """Keys of these remediations' notes that may stand on the record."""
    asked = {"ids": _remediations(rows), "name": name, "record": record}
    return {body["key"] for body in connection.execute(_TRIED, asked).scalars()}


def _remediations(rows: Collection[fold.Row]) -> list[str]:
    return list({row["remediation_id"] for row in rows})


def _live(rows: Collection[fold.Row], written: set[str], ended: set[str]) -> set[str]:
    """Keys of notes that stand already, or are edited as their remediation goes on."""
    going = {
        row["body"]["key"]
        for row in rows
        if row["act"] == "note" and row["body"]["key"].endswith(".status") and row["remediation_id"] not in ended
    }
    return written | going


def _fold(connection: sa.Connection, rows: Collection[fold.Row], into: Mapping[str, str], moment: datetime) -> None:
    by_id = {row["id"]: row for row in rows}
    for target in set(into.values()):
        ids = [id_ for id_, to in into.items() if to == target]
        values = {"state": "folded", "folded_into": target, "done_at": moment}
        connection.execute(sa.update(WRITE_BACK).where(WRITE_BACK.c.id.in_(ids)).values(**values))
    lines = [
        entry(by_id[id_]["remediation_id"], "folded", _folded(by_id[id_], by_id[to]))
        for id_, to in into.items()
        if by_id[id_]["remediation_id"]
    ]
    insert(connection, *lines)


def _folded(row: fold.Row, target: fold.Row) -> str:
    record = row["reference"].get("number") or row["reference"]["id"]
    own = row["remediation_id"] == target["remediation_id"]
    whose = "" if own else f" of remediation {target['remediation_id']}"
    return f"{said(row)} on {record} folded into: {said(target)}{whose} ({target['id']})"
