"""All that the hub knows of one remediation: the ledger's entries about it, and the rows that these bind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from firstline.declaration import canonical
from firstline.errors import Rejected
from firstline.ledger.facet import FACETS, REMOVED, form, stored
from firstline.settings import OWN_REGISTER
from firstline.store.table import DELIVERY, LEDGER, REMEDIATION, RUN, WRITE_BACK

_DIALECT = sqlite.dialect()  # our types look at none

Row = Mapping[str, Any] | sa.RowMapping


@dataclass(frozen=True)
class Line:
    """An entry of the ledger. `text` is what is hashed; `position` None: it has no place in the tree yet."""

    id: str
    position: int | None
    text: str

    @property
    def entry(self) -> dict[str, Any]:
        read: dict[str, Any] = orjson.loads(self.text)
        return read


@dataclass
class Case:
    """`about`: the entries whose subject it is, and those that bind its rows later on. `beside`: what was decided
    before about its mapping, its runbook, the people who had a say and the switches, which says why it could go as it
    went. `rows`: by label, the bytes whose SHA-256 the entries bind. `bodies`: of deliveries. `gaps`: what is not here,
    with the reason."""

    id: str
    about: list[Line]
    beside: list[Line] = field(default_factory=list)
    rows: dict[str, bytes] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    plan: bytes = b"{}"
    gaps: list[str] = field(default_factory=list)


def read(connection: sa.Connection, remediation_id: str, size: int) -> Case:
    """`size`: entries that the checkpoint covers. Raises `Rejected` where there is no such remediation."""
    row = connection.execute(sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id)).mappings().first()
    if row is None:
        raise Rejected(f"there is no remediation {remediation_id}")
    case = Case(remediation_id, _entries(connection, LEDGER.c.subject.in_(_subjects(row))))
    case.plan = canonical(row["plan"] or {})
    _rows(connection, case)
    case.beside = _beside(connection, case, row)
    case.gaps += _unsettled(connection, row)
    unplaced = [line.id for line in case.about if line.position is None or line.position >= size]
    if unplaced:
        told = f"{len(unplaced)} {'entry' if len(unplaced) == 1 else 'entries'}"
        case.gaps.append(f"the proof of {told} too new for the last checkpoint: {_some(unplaced)}; export it again")
    return case


def _subjects(row: Row) -> set[str]:
    """The remediation, and its change where that is our own."""
    change = row["change"] or {}
    own = {f"change:{change['number']}"} if change.get("connection") == OWN_REGISTER else set()
    return {row["id"], *own}


def bindings(lines: Iterable[Line]) -> dict[str, tuple[str, Line]]:
    """By label, the digest that the last of these entries binds, and that entry."""
    return {label: (digest, line) for line in lines for label, digest in line.entry["rows"].items()}


def _entries(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Line]:
    query = sa.select(LEDGER.c.id, LEDGER.c.position, LEDGER.c.entry).where(*where).order_by(LEDGER.c.id)
    return [Line(row.id, row.position, row.entry) for row in connection.execute(query)]


def _rows(connection: sa.Connection, case: Case) -> None:
    for label, (digest, line) in bindings(case.about).items():
        row = stored(connection, label)
        if row is None:
            case.gaps.append(f"{label}: {_gone(digest, line)}")
            continue
        case.rows[label] = kept = form(label.partition("/")[0], row)
        if sha256(kept).hexdigest() != digest:
            case.about += _later(connection, label, case.about)
        if label.startswith("delivery/"):
            body = sa.select(DELIVERY.c.body).where(DELIVERY.c.id == row["id"])
            case.bodies[row["id"]] = bytes(connection.execute(body).scalar_one())
    case.about.sort(key=lambda line: line.id)


def _gone(digest: str, line: Line) -> str:
    if digest == REMOVED:
        return f"taken away, as entry {line.id} says"
    return f"no longer in the database, and no entry says that it was taken away (bound by {line.id})"


def _later(connection: sa.Connection, label: str, known: list[Line]) -> list[Line]:
    """Entries about something else that bind the row again. There is no index for it: asked only of what differs."""
    ids = {line.id for line in known}
    text = sa.type_coerce(LEDGER.c.entry, sa.Text)
    found = _entries(connection, LEDGER.c.id > min(ids), text.contains(f'"{label}":', autoescape=True))
    return [line for line in found if line.id not in ids and label in line.entry["rows"]]


def _beside(connection: sa.Connection, case: Case, row: Row) -> list[Line]:
    """Up to the last entry about it: what was changed afterwards is another story."""
    if not case.about:
        return []
    asked = (row["plan"] or {}).get("asks", {}).get("by", [])
    people = {line.entry["by"] for line in case.about} | set(asked)
    scopes = ("all", *(f"{name}:{row[name]}" for name in ("connection", "runbook", "service", "environment")))
    subjects = {
        *(f"person:{name}" for name in people),
        *(f"group:{name}" for name in asked),
        *(f"switch:{scope}" for scope in scopes),
        f"mapping:{row['mapping']}",
        f"runbook:{row['runbook']}",
    }
    known = {line.id for line in case.about}
    before = _entries(connection, LEDGER.c.subject.in_(subjects), LEDGER.c.id <= max(known))
    return [line for line in before if line.id not in known]


def _unsettled(connection: sa.Connection, row: Row) -> Iterable[str]:
    """What no entry binds yet, or ever: rows that led to nothing."""
    if row["ended_at"] is None:
        yield f"how it ends: it has not ended, it is at the stage {row['stage']}"
    runs = sa.select(RUN.c.id, RUN.c.name).where(RUN.c.remediation_id == row["id"], RUN.c.ended_at.is_(None))
    for run in connection.execute(runs):
        yield f"run/{run.id} ({run.name}): it has no end"
    writes = sa.select(WRITE_BACK).where(WRITE_BACK.c.remediation_id == row["id"], WRITE_BACK.c.state != "done")
    for write in connection.execute(writes.order_by(WRITE_BACK.c.id)).mappings():
        why = "another write says it too" if write["state"] == "folded" else f"not written, it is {write['state']}"
        yield f"write_back/{write['id']} ({write['act']} in {write['connection']}): {why}"


def opened(label: str, kept: bytes) -> dict[str, Any]:
    """A row as its columns mean it: JSON read, times as `datetime`."""
    table = FACETS[label.partition("/")[0]].table
    values: Mapping[str, Any] = orjson.loads(kept)
    return {name: _meant(table.c[name], value) for name, value in values.items()}


def _meant(column: sa.Column[Any], value: Any) -> Any:
    process = column.type.result_processor(_DIALECT, None) if isinstance(column.type, sa.TypeDecorator) else None
    return process(value) if process else value


def _some(names: list[str], limit: int = 5) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
