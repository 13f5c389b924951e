"""Rows of other tables, bound to entries of the ledger by a digest of the columns that no longer change."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

from firstline.declaration import Json, canonical
from firstline.store import table

Row = Mapping[str, Any] | sa.RowMapping


@dataclass(frozen=True)
class Facet:
    """The columns of a table that are settled once an act is done. The last entry that binds a row counts. `settled`
    says which rows must be bound; None: those that led to something."""

    name: str
    table: sa.Table
    columns: tuple[str, ...]
    settled: sa.ColumnElement[bool] | None = None
    key: tuple[str, ...] = ("id",)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.key, *self.columns)))

    @cached_property
    def query(self) -> sa.Select[Any]:
        """The columns as they are stored: what a type makes of them is no part of the digest."""
        return sa.select(*(_raw(self.table.c[name]).label(name) for name in self.names))

    @cached_property
    def of_keys(self) -> sa.Select[Any]:
        """Made once: to make it takes longer than to ask it."""
        columns = [self.table.c[name] for name in self.key]
        of = columns[0] if len(columns) == 1 else sa.tuple_(*columns)
        return self.query.where(of.in_(sa.bindparam("keys", expanding=True)))


def _but(of: sa.Table, *left_out: str) -> tuple[str, ...]:
    return tuple(column.name for column in of.columns if column.name not in left_out)


_BEGUN = (
    *("id", "event_id", "connection", "record", "environment", "mapping", "pack", "runbook", "service"),
    *("incident", "changes", "created_at"),
)
_ENDED = (
    *_BEGUN,
    "plan",
    "plan_digest",
    "mode",
    "outcome",
    "reason",
    "approved_by",
    "change",
    "change_type",
    "override",
    "ended_at",
)

FACETS: dict[str, Facet] = {
    facet.name: facet
    for facet in (
        Facet("delivery", table.DELIVERY, _but(table.DELIVERY, "state", "reason")),
        Facet("event", table.EVENT, _but(table.EVENT)),
        Facet("decision", table.DECISION, _but(table.DECISION), sa.true()),
        Facet("remediation.begun", table.REMEDIATION, _BEGUN, sa.true()),
        Facet("remediation.plan", table.REMEDIATION, ("id", "plan", "plan_digest", "mode"), sa.true()),
        Facet("remediation.ended", table.REMEDIATION, _ENDED, table.REMEDIATION.c.ended_at.is_not(None)),
        Facet("run", table.RUN, _but(table.RUN), table.RUN.c.ended_at.is_not(None)),
        Facet("approval", table.APPROVAL, _but(table.APPROVAL), sa.true()),
        Facet("vote", table.VOTE, _but(table.VOTE), sa.true()),
        Facet(
            "write_back",
            table.WRITE_BACK,
            _but(table.WRITE_BACK, "attempts", "due_at"),
            table.WRITE_BACK.c.state == "done",
        ),
        Facet("person", table.PERSON, _but(table.PERSON), sa.true(), ("name",)),
        Facet("member", table.MEMBER, _but(table.MEMBER), sa.true(), ("group", "person")),
        Facet("grant", table.GRANT, _but(table.GRANT), sa.true()),
        Facet("delegation", table.DELEGATION, _but(table.DELEGATION), sa.true()),
        Facet("token", table.TOKEN, _but(table.TOKEN), sa.true()),
        Facet("switch", table.SWITCH, _but(table.SWITCH), sa.true(), ("scope",)),
        Facet("mode", table.MODE, _but(table.MODE), sa.true(), ("mapping", "environment")),
        Facet("standard", table.STANDARD, _but(table.STANDARD), sa.true(), ("runbook", "digest")),
        Facet("change", table.CHANGE, _but(table.CHANGE), sa.true(), ("number",)),
    )
}

REMOVED = "removed"  # stands for the digest of a row that was taken away, by the entry that says so


def bind(connection: sa.Connection, name: str, *keys: Any) -> dict[str, str]:
    """For `Entry.rows`: the digest of rows as they are in the database now, the transaction's own changes included.
    `keys`: values of the facet's key; a tuple where it has several columns."""
    facet = FACETS[name]
    found = connection.execute(facet.of_keys, {"keys": list(keys)}).mappings().all()
    return {label(facet, row): _digest(facet, row) for row in found}


def bind_new(connection: sa.Connection, name: str, rows: Iterable[SQLModel]) -> dict[str, str]:
    """The same for rows that are about to be inserted, without asking the database."""
    facet = FACETS[name]
    stored = (_stored(facet, row.__dict__, connection.dialect) for row in rows)
    return {label(facet, row): _digest(facet, row) for row in stored}


def unbind(name: str, *keys: Any) -> dict[str, str]:
    """For `Entry.rows`: these rows are taken away by what the entry tells."""
    facet = FACETS[name]
    return {label(facet, dict(zip(facet.key, _tuple(key), strict=True))): REMOVED for key in keys}


def label(facet: Facet, row: Row) -> str:
    return f"{facet.name}/{'/'.join(str(row[name]) for name in facet.key)}"


def digests(connection: sa.Connection, facet: Facet) -> Iterable[tuple[str, str, bool]]:
    """Label and digest of every row as it is in the database, and whether an entry must bind it."""
    names = facet.names
    must = sa.false() if facet.settled is None else facet.settled
    query = facet.query.add_columns(must.label("must"))
    for *values, settled in connection.execution_options(yield_per=1000).execute(query):
        row = dict(zip(names, values, strict=True))
        yield label(facet, row), _digest(facet, row), bool(settled)


def stored(connection: sa.Connection, label: str) -> Row | None:
    """The row that a label names, as it is in the database; None: there is none, or no such facet."""
    name, _, key = label.partition("/")
    if name not in FACETS:
        return None
    first, *more = (FACETS[name].table.c[each] for each in FACETS[name].key)
    whole: sa.ColumnElement[Any] = first
    for column in more:
        whole = whole + "/" + column
    same = whole == (int(key) if first.type.python_type is int else key)
    return connection.execute(FACETS[name].query.where(same)).mappings().first()


def form(name: str, row: Row) -> bytes:
    """What is hashed of a row: the canonical JSON of the facet's columns as they are stored; bytes as their SHA-256."""
    values: dict[str, Json] = {column: _plain(row[column]) for column in FACETS[name].columns}
    if any(isinstance(value, float) for value in values.values()):
        return canonical(values)
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)  # the same bytes, several times faster


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, column.type.impl_instance) if isinstance(column.type, TypeDecorator) else column


def _stored(facet: Facet, values: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    def one(name: str) -> Any:
        kind = facet.table.c[name].type
        process = kind.bind_processor(dialect) if isinstance(kind, TypeDecorator) else None
        return process(values[name]) if process else values[name]

    return {name: one(name) for name in facet.names}


def _tuple(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)


def _digest(facet: Facet, row: Row) -> str:
    return hashlib.sha256(form(facet.name, row)).hexdigest()


def _plain(value: Any) -> Json:
    """As every database gives it back: PostgreSQL's text holds neither NUL nor half a surrogate pair."""
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return value
        return value.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode()
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    plain: Json = value
    return plain
