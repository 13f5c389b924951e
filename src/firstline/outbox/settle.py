"""How a try of a write-back ends: each end is one transaction, and counts only while the try does."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from firstline.governor import alarm
from firstline.ledger.facet import bind
from firstline.outbox.claim import Row, said
from firstline.remediation.timeline import tell
from firstline.store.database import update
from firstline.store.table import WRITE_BACK


def stands(connection: sa.Connection, row: Row) -> bool:
    """True while this try of the write is the one that counts."""
    this = (WRITE_BACK.c[name] == value for name, value in _this(row).items())
    return connection.execute(sa.select(WRITE_BACK.c.id).where(*this)).first() is not None


def settle(connection: sa.Connection, row: Row, values: Mapping[str, Any], pager: str, url: str) -> bool:
    """End a try, and tell it. False, and nothing changed, when it no longer counts."""
    if update(connection, WRITE_BACK, _this(row), values) != 1:
        return False
    record = row["reference"].get("number") or row["reference"]["id"]
    if values["state"] == "done":
        _tell(
            connection,
            row,
            "wrote",
            f"{said(row)} on {record} in {row['connection']}",
            bind(connection, "write_back", row["id"]),
        )
    elif values["state"] == "parked":
        _tell(connection, row, "parked", f"{said(row)} on {record} was refused: {values['reason']}")
        alarm.parked(connection, pager, row, values["reason"], url)
    return True


def cut_short(connection: sa.Connection, under_way: Collection[str]) -> bool:
    """True when something is marked that is not under way."""
    return connection.execute(sa.select(WRITE_BACK.c.id).where(*_left(under_way)).limit(1)).first() is not None


def release(connection: sa.Connection, under_way: Collection[str]) -> None:
    """What was cut short may or may not have arrived: it is due again."""
    connection.execute(sa.update(WRITE_BACK).where(*_left(under_way)).values(state="pending"))


def _this(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "state": "sending", "attempts": row["attempts"]}


def _left(under_way: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return WRITE_BACK.c.state == "sending", WRITE_BACK.c.id.not_in(under_way)


def _tell(connection: sa.Connection, row: Row, act: str, text: str, rows: Mapping[str, str] | None = None) -> None:
    tell(connection, row["remediation_id"] or f"connection:{row['connection']}", act, text, rows=rows)
