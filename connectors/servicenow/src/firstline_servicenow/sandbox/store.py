"""Rows in memory, with indexes. Values are text, as in the vendor's database."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from firstline_servicenow.sandbox.schema import JOURNAL, SHAPES, SIMPLE, TEXT, Shape

Row = dict[str, str]

_MOMENT = "%Y-%m-%d %H:%M:%S"
_FIRST_NUMBER = 10_001


Saved = Callable[[str, Row, Row | None, Mapping[str, str]], None]


class Store:
    """All tables. `saved` is called after each save of a row with its table, the row, the row before (None after an
    insert), and the journal entries written with it. `columns`: fields that the customer added, by table."""

    def __init__(self, saved: Saved = lambda *_: None, columns: Mapping[str, list[str]] | None = None) -> None:
        self._saved = saved
        self.shapes = dict(SHAPES)
        for table, names in (columns or {}).items():
            added = dict.fromkeys(names, TEXT)
            self.shapes[table] = replace(SHAPES[table], kinds=SHAPES[table].kinds | added)
        self.lag: Callable[[str], float] = lambda _: 0.0  # seconds that the next save is seen after its date
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in self.shapes}
        self._index: dict[tuple[str, str, str], dict[str, None]] = {}
        self._last: dict[str, int] = {}

    def now(self, lag: float = 0.0) -> str:
        return (datetime.now(UTC) - timedelta(seconds=lag)).strftime(_MOMENT)

    @property
    def tables(self) -> list[str]:
        return list(self._rows)

    def rows(self, table: str) -> dict[str, Row]:
        return self._rows[table]

    def get(self, table: str, sys_id: str) -> Row | None:
        return self._rows.get(table, {}).get(sys_id)

    def among(self, table: str, field: str, value: str) -> Iterator[Row]:
        """Rows whose indexed field has the value, oldest first."""
        rows = self._rows[table]
        return (rows[sys_id] for sys_id in self._index.get((table, field, value), ()))

    def first(self, table: str, field: str, value: str) -> Row | None:
        return next(self.among(table, field, value), None)

    def reach(self, table: str, row: Row | None, path: str) -> "Reached | None":
        """Where a field's name leads, through references where it has dots; None: there is no such field."""
        first, _, rest = path.partition(".")
        kind = self.shapes[table].kinds.get(first)
        if kind is None or (rest and kind in SIMPLE):
            return None
        if not rest:
            return Reached(table, row, first)
        return self.reach(kind, self.get(kind, row[first]) if row else None, rest)

    def value(self, table: str, row: Row, path: str) -> str:
        found = self.reach(table, row, path)
        return found.row[found.field] if found and found.row else ""

    def insert(self, table: str, values: Mapping[str, Any], by: str) -> Row:
        """A new row: what is given, else the table's defaults, else empty. Unknown fields are left out."""
        shape, now = self.shapes[table], self.now(self.lag(table))
        system = {"sys_created_on": now, "sys_updated_on": now, "sys_created_by": by, "sys_updated_by": by}
        given = {name: text(value) for name, value in values.items() if name in shape.kinds}
        row = dict.fromkeys(shape.kinds, "") | shape.defaults | system | {"sys_mod_count": "0"} | given
        row["sys_id"] = given.get("sys_id") or secrets.token_hex(16)
        if "sys_class_name" in shape.kinds:
            row["sys_class_name"] = row["sys_class_name"] or table
        if shape.prefix:
            row["number"] = given.get("number") or self._number(table, shape)
        entries = _journal(shape, row)
        self._rows[table][row["sys_id"]] = row
        self._add(table, shape, row)
        self._write_journal(table, row, entries, by)
        self._saved(table, row, None, entries)
        return row

    def update(self, table: str, row: Row, values: Mapping[str, str], by: str) -> bool:
        """Write what differs. False when nothing did: then nothing is saved, and nothing is told."""
        shape, before = self.shapes[table], dict(row)
        known = {name: value for name, value in values.items() if name in shape.kinds}
        entries = _journal(shape, known)
        changed = {name: value for name, value in known.items() if row[name] != value}
        if not changed and not entries:
            return False
        self._remove(table, shape, row)
        row.update(changed)
        row["sys_mod_count"] = str(int(row["sys_mod_count"] or 0) + 1)
        row["sys_updated_on"], row["sys_updated_by"] = self.now(self.lag(table)), by
        self._add(table, shape, row)
        self._write_journal(table, row, entries, by)
        self._saved(table, row, before, entries)
        return True

    def delete(self, table: str, row: Row) -> None:
        self._remove(table, self.shapes[table], row)
        del self._rows[table][row["sys_id"]]

    def _number(self, table: str, shape: Shape) -> str:
        """The next free one; a seed may have taken some."""
        while True:
            self._last[table] = self._last.get(table, _FIRST_NUMBER - 1) + 1
            number = f"{shape.prefix}{self._last[table]:07d}"
            if self.first(table, "number", number) is None:
                return number

    def _write_journal(self, table: str, row: Row, entries: Mapping[str, str], by: str) -> None:
        for element, value in entries.items():
            entry = {"name": table, "element": element, "element_id": row["sys_id"], "value": value}
            self.insert("sys_journal_field", entry, by)

    def _add(self, table: str, shape: Shape, row: Row) -> None:
        for field in shape.indexed:
            self._index.setdefault((table, field, row[field]), {})[row["sys_id"]] = None

    def _remove(self, table: str, shape: Shape, row: Row) -> None:
        for field in shape.indexed:
            self._index.get((table, field, row[field]), {}).pop(row["sys_id"], None)


@dataclass(frozen=True)
class Reached:
    """A field, and the row it is in; None: the way there led through an empty reference."""

    table: str
    row: Row | None
    field: str


def text(value: Any) -> str:
    """A value as a client sends it, or as the vendor's answers show it: `{"value": ...}` is a reference."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _journal(shape: Shape, values: dict[str, str]) -> dict[str, str]:
    """Take the journal entries out of the values: the fields themselves always read empty."""
    names = [name for name in values if shape.kinds[name] == JOURNAL]
    entries = {name: values[name] for name in names if values[name]}
    values.update(dict.fromkeys(names, ""))
    return entries
