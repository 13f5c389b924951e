"""How a row looks in an answer: the Table API's shape, and the Change Management API's."""

from collections.abc import Iterable
from typing import Any, Literal

from firstline_servicenow.sandbox.schema import BOOL, DATE, NUMBER, SIMPLE
from firstline_servicenow.sandbox.store import Row, Store

Display = Literal["false", "true", "all"]


class Shaper:
    """`public_url` stands before the links."""

    def __init__(self, store: Store, public_url: str) -> None:
        self._store = store
        self._public_url = public_url

    def table(
        self, table: str, row: Row, display: Display = "false", links: bool = True, fields: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The row as the Table API shows it; fields that don't exist are left out."""
        names = [name for name in fields if self._store.reach(table, row, name)] or self._store.shapes[table].kinds
        return {name: self._walked(table, row, name, display, links) for name in names}

    def typed(self, row: Row) -> dict[str, Any]:
        """A change request as the Change Management API shows it: numbers, booleans and texts with display values."""
        return {name: self._typed(row, name, kind) for name, kind in self._kinds.items()}

    def shown(self, table: str, row: Row, name: str) -> str:
        """The display value."""
        shape, value = self._store.shapes[table], row[name]
        kind = shape.kinds[name]
        if kind in SIMPLE:
            return shape.labels.get(name, {}).get(value, value)
        referred = self._store.get(kind, value) if value else None
        return referred[self._store.shapes[kind].name] if referred else value

    @property
    def _kinds(self) -> dict[str, str]:
        return self._store.shapes["change_request"].kinds

    def _walked(self, table: str, row: Row, name: str, display: Display, links: bool) -> Any:
        found = self._store.reach(table, row, name)
        if found is None or found.row is None:
            return {"display_value": "", "value": ""} if display == "all" else ""
        return self._field(found.table, found.row, found.field, display, links)

    def _field(self, table: str, row: Row, name: str, display: Display, links: bool) -> Any:
        kind, value = self._store.shapes[table].kinds[name], row[name]
        refers = kind not in SIMPLE and bool(value)
        if display == "false" and not (refers and links):
            return value
        if display == "true" and not (refers and links):
            return self.shown(table, row, name)
        link = {"link": f"{self._public_url}/api/now/table/{kind}/{value}"} if refers and links else {}
        shown = {"display_value": self.shown(table, row, name)} if display != "false" else {}
        return shown | link | ({"value": value} if display != "true" else {})

    def _typed(self, row: Row, name: str, kind: str) -> dict[str, Any]:
        shown, value = self.shown("change_request", row, name), row[name]
        if kind == DATE:
            return {"display_value": shown, "value": value, "display_value_internal": shown}
        if kind == NUMBER and value:
            return {"display_value": shown, "value": float(value)}
        if kind == BOOL and value:
            return {"display_value": shown, "value": value == "true"}
        if name == "sys_class_name":
            return {"display_value": self._store.shapes["change_request"].label, "value": value}
        return {"display_value": shown, "value": value}
