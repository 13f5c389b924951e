"""Rows of other tables against the entries that bind them."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from firstline.ledger.facet import FACETS, REMOVED, digests
from firstline.ledger.finding import Findings

BATCH = 5000

_TABLES = """
CREATE TABLE bound (label TEXT PRIMARY KEY, digest TEXT, entry TEXT) WITHOUT ROWID;
CREATE TABLE there (label TEXT PRIMARY KEY, digest TEXT, must INTEGER) WITHOUT ROWID;
"""
_BIND = """
INSERT INTO bound VALUES (?, ?, ?) ON CONFLICT (label) DO UPDATE SET digest = excluded.digest, entry = excluded.entry
"""
_OTHER = """
SELECT label, bound.digest, there.digest, entry FROM bound LEFT JOIN there USING (label)
WHERE bound.digest <> coalesce(there.digest, ?)
"""
_UNBOUND = "SELECT label FROM there LEFT JOIN bound USING (label) WHERE must AND bound.label IS NULL"


class Bound:
    """Remembers in a file of its own what the last entry says of each row: there may be millions."""

    def __init__(self) -> None:
        self._scratch = sqlite3.connect("")  # SQLite keeps it in a temporary file, and removes that
        self._scratch.executescript(_TABLES)
        self._waiting: list[tuple[str, str, str]] = []

    def close(self) -> None:
        self._scratch.close()

    def bind(self, rows: Mapping[str, Any], entry: str) -> None:
        """The next entry, in the order of the ledger. `entry` names it."""
        self._waiting += [(label, str(digest), entry) for label, digest in rows.items()]
        if len(self._waiting) > BATCH:
            self._flush()

    def compare(self, connection: sa.Connection, findings: Findings) -> int:
        """Tell each row that is not as its last entry left it; gives how many rows are bound."""
        self._flush()
        for facet in FACETS.values():
            self._scratch.executemany("INSERT INTO there VALUES (?, ?, ?)", digests(connection, facet))
        for label, bound, there, entry in self._rows(_OTHER, REMOVED):
            findings.tell(*_named(label), _difference(bound, there, entry))
        for (label,) in self._rows(_UNBOUND):
            findings.tell(*_named(label), "was put in: no entry tells of it")
        return int(next(iter(self._rows("SELECT count(*) FROM bound WHERE digest <> ?", REMOVED)))[0])

    def _rows(self, query: str, *values: str) -> Iterable[Any]:
        with closing(self._scratch.execute(query, values)) as cursor:
            yield from cursor

    def _flush(self) -> None:
        self._scratch.executemany(_BIND, self._waiting)
        self._waiting.clear()


def _difference(bound: str, there: str | None, entry: str) -> str:
    if there is None:
        return f"was removed: {entry} tells of it"
    return f"is there, but {entry} tells of its removal" if bound == REMOVED else f"was edited since {entry} told of it"


def _named(label: str) -> tuple[str, str]:
    """The table and the row; of a table with several facets, the facet too."""
    name, _, key = label.partition("/")
    if name not in FACETS:
        return "fl_ledger", label
    table = FACETS[name].table.name
    several = sum(facet.table.name == table for facet in FACETS.values()) > 1
    return table, f"{key} ({name})" if several else key
