"""Autonomy that is earned: what a mapping has to show before it may do more by itself."""

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from firstline.errors import Rejected
from firstline.mapping.model import Mode
from firstline.remediation import mode
from firstline.remediation.mode import Key
from firstline.store.table import REMEDIATION

LOOKED = 1000  # remediations back: nobody's record goes on for longer


class Record(BaseModel):
    """What a mapping has shown in mode `approve`, since it last failed. `broken_by`: the last remediation that failed,
    or came back."""

    model_config = ConfigDict(frozen=True)

    successes: int
    since: str = ""
    last: str = ""
    broken_by: str = ""
    remediations: tuple[str, ...] = ()


def shown(connection: sa.Connection, key: Key) -> Record:
    """Count its verified successes, newest first, back to what broke the row."""
    mapping, environment = key
    query = (
        sa.select(REMEDIATION.c.id, REMEDIATION.c.outcome, REMEDIATION.c.reopened_at, REMEDIATION.c.ended_at)
        .where(
            REMEDIATION.c.mapping == mapping,
            REMEDIATION.c.environment == environment,
            REMEDIATION.c.mode == "approve",
            REMEDIATION.c.outcome.in_(("proved", "failed", "unknown", "stopped")),
            REMEDIATION.c.ended_at.is_not(None),
        )
        .order_by(REMEDIATION.c.ended_at.desc())
        .limit(LOOKED)
    )
    good: list[Any] = []
    for row in connection.execute(query):
        if row.outcome != "proved" or row.reopened_at is not None:
            return _record(good, row.id)
        good.append(row)
    return _record(good, "")


def promote(connection: sa.Connection, key: Key, declared: Mode, to: Mode, by: str, reason: str, needed: int) -> Record:
    """Give a mapping a mode, on a person's word. `auto` asks for a record of `needed` verified successes. Raises
    `Rejected`, saying what is missing."""
    record = shown(connection, key)
    if to == "auto" and record.successes < needed:
        after = f" since {record.broken_by} failed or came back" if record.broken_by else ""
        raise Rejected(
            f"{key[0]} has {record.successes} verified successes in mode approve in {key[1]}{after}; "
            f"it needs {needed} to run by itself"
        )
    if not reason.strip():
        raise Rejected("a promotion needs a reason")
    mode.move(connection, key, to, declared, reason.strip(), record.model_dump(mode="json"), by=by)
    return record


def _record(good: list[Any], broken_by: str) -> Record:
    if not good:
        return Record(successes=0, broken_by=broken_by)
    return Record(
        successes=len(good),
        since=good[-1].ended_at.isoformat(timespec="seconds"),
        last=good[0].ended_at.isoformat(timespec="seconds"),
        broken_by=broken_by,
        remediations=tuple(row.id for row in good),
    )
