"""What an export is asked for, and the remediations that this means."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from firstline.errors import Rejected
from firstline.store.table import INCIDENT, LINK, REMEDIATION

Record = tuple[str, str]  # connection, and kind with id


@dataclass(frozen=True)
class Asked:
    """One of these; a period has its begin or its end, or both. `until` is excluded."""

    remediation: str = ""
    incident: str = ""  # its number, or its id at the vendor
    change: str = ""
    runbook: str = ""  # PACK/ID
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_period(self) -> bool:
        return self.since is not None or self.until is not None

    @property
    def words(self) -> str:
        named = {name: getattr(self, name) for name in ("remediation", "incident", "change", "runbook")}
        if self.is_period or not any(named.values()):
            return f"the time from {_day(self.since, 'the beginning')} to {_day(self.until, 'the export')}"
        return " ".join(next((name, value) for name, value in named.items() if value))


def _day(moment: datetime | None, otherwise: str) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else otherwise


def chosen(connection: sa.Connection, asked: Asked) -> list[str]:
    """The ids of the remediations, oldest first. Raises `Rejected` where what was named has none; a period may have
    none."""
    found = list(_chosen(connection, asked))
    if not found and not asked.is_period:
        raise Rejected(f"there is no remediation of {asked.words}")
    return sorted(set(found))


def _chosen(connection: sa.Connection, asked: Asked) -> Iterable[str]:
    id_ = REMEDIATION.c.id
    if asked.remediation:
        return _ids(connection, id_ == asked.remediation)
    if asked.incident:
        return _of_incident(connection, asked.incident)
    if asked.change:
        return _of_change(connection, asked.change)
    if asked.runbook:
        return _ids(connection, REMEDIATION.c.runbook == asked.runbook)
    begun = REMEDIATION.c.created_at
    after = [begun >= asked.since] if asked.since else []
    before = [begun < asked.until] if asked.until else []
    return _ids(connection, *after, *before)


def _ids(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> Iterable[str]:
    return connection.execute(sa.select(REMEDIATION.c.id).where(*where)).scalars()


def _of_incident(connection: sa.Connection, name: str) -> Iterable[str]:
    """Of the records with this number or id: their own remediations, and those they were attached to."""
    for place, record in _records(connection, name):
        yield from _ids(connection, REMEDIATION.c.connection == place, REMEDIATION.c.record == record)
        attached = sa.select(LINK.c.remediation_id).where(LINK.c.connection == place, LINK.c.record == record)
        yield from connection.execute(attached).scalars()


def _records(connection: sa.Connection, name: str) -> list[Record]:
    """Numbers stand in the incidents' JSON alone: the text is looked through, then compared exactly."""
    text = sa.type_coerce(INCIDENT.c.incident, sa.Text)
    query = sa.select(INCIDENT.c.connection, INCIDENT.c.kind, INCIDENT.c.record_id, INCIDENT.c.incident)
    query = query.where(sa.or_(INCIDENT.c.record_id == name, text.contains(name, autoescape=True)))
    return [
        (row.connection, f"{row.kind}:{row.record_id}")
        for row in connection.execute(query)
        if name in (row.record_id, row.incident["reference"].get("number"))
    ]


def _of_change(connection: sa.Connection, name: str) -> Iterable[str]:
    query = sa.select(REMEDIATION.c.id, REMEDIATION.c.change)
    query = query.where(sa.type_coerce(REMEDIATION.c.change, sa.Text).contains(name, autoescape=True))
    for row in connection.execute(query):
        if name in (row.change["id"], row.change.get("number")):
            yield row.id
