"""Rows in memory, with indexes. Values are text, as in the vendor's database."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from firstline_servicenow.sandbox.schema import JOURNAL, SHAPES, Shape

Row = dict[str, str]

_MOMENT = "%Y-%m-%d %H:%M:%S"
_FIRST_NUMBER = 10_001


class Store:
    """All tables. `saved` is called after each save of a row with its table, the row, and the row before (None after
    an insert)."""

    def __init__(self, saved: Callable[[str, Row, Row | None], None] = lambda *_: None) -> None:
        self._saved = saved
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in SHAPES}
        self._index: dict[tuple[str, str, str], dict[str, None]] = {}
        self._last: dict[str, int] = {}

    def now(self) -> str:
        return datetime.now(UTC).strftime(_MOMENT)

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

    def insert(self, table: str, values: Mapping[str, Any], by: str) -> Row:
        """A new row: what is given, else the table's defaults, else empty. Unknown fields are left out."""
        shape, now = SHAPES[table], self.now()
        system = {"sys_created_on": now, "sys_updated_on": now, "sys_created_by": by, "sys_updated_by": by}
        given = {name: text(value) for name, value in values.items() if name in shape.kinds}
        row = dict.fromkeys(shape.kinds, "") | shape.defaults | system | {"sys_mod_count": "0"} | given
        row["sys_id"] = given.get("sys_id") or secrets.token_hex(16)
        if "sys_class_name" in shape.kinds:
            row["sys_class_name"] = table
        if shape.prefix:
            row["number"] = given.get("number") or self._number(table, shape)
        entries = _journal(shape, row)
        self._rows[table][row["sys_id"]] = row
        self._add(table, shape, row)
        self._write_journal(table, row, entries, by)
        self._saved(table, row, None)
        return row

    def update(self, table: str, row: Row, values: Mapping[str, str], by: str) -> bool:
        """Write what differs. False when nothing did: then nothing is saved, and nothing is told."""
        shape, before = SHAPES[table], dict(row)
        known = {name: value for name, value in values.items() if name in shape.kinds}
        entries = _journal(shape, known)
        changed = {name: value for name, value in known.items() if row[name] != value}
        if not changed and not entries:
            return False
        self._remove(table, shape, row)
        row.update(changed)
        row["sys_mod_count"] = str(int(row["sys_mod_count"] or 0) + 1)
        row["sys_updated_on"], row["sys_updated_by"] = self.now(), by
        self._add(table, shape, row)
        self._write_journal(table, row, entries, by)
        self._saved(table, row, before)
        return True

    def delete(self, table: str, row: Row) -> None:
        self._remove(table, SHAPES[table], row)
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
