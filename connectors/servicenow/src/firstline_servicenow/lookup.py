"""Finds sys_ids by the names people use, and remembers them for a few minutes."""

from collections.abc import Mapping
from dataclasses import dataclass

from firstline.errors import Rejected
from firstline_servicenow import query
from firstline_servicenow.memory import Memory
from firstline_servicenow.record import value
from firstline_servicenow.table import Table


@dataclass(frozen=True)
class Named:
    """A sys_id, or why there is none."""

    sys_id: str = ""
    gap: str = ""


class Lookup:
    def __init__(self, table: Table, templates: Mapping[str, str]) -> None:
        self._table = table
        self._templates = templates
        self._memory: Memory[Named] = Memory()

    async def template(self, name: str) -> str:
        """A standard change template's sys_id. Raises `Rejected` when it can't be told: without its template a change
        is not the one that was agreed."""
        found = await self._named("std_change_record_producer", name, "Standard change template", self._templates)
        if not found.sys_id:
            raise Rejected(found.gap or "a standard change needs its template's name or sys_id")
        return found.sys_id

    async def ci(self, name: str) -> Named:
        """A configuration item. One that the CMDB lacks can't have change detection on it, so a change without it
        misleads nobody as long as it says so."""
        return await self._named("cmdb_ci", name, "Configuration item")

    async def group(self, name: str) -> Named:
        return await self._named("sys_user_group", name, "Group")

    async def person(self, name: str) -> Named:
        """A user, by user name, email or full name."""
        if query.SYS_ID.fullmatch(name) or not query.askable(name):
            return await self._named("sys_user", name, "User")
        fields = ("user_name", "email", "name")
        where = "^OR".join(f"{field}={name}" for field in fields)
        found = await self._table.find("sys_user", where, ("sys_id", *fields))
        rows = [row for row in found.rows if name in [value(row, field) for field in fields]]
        if len(rows) == 1:
            return Named(value(rows[0], "sys_id"))
        return Named(gap=f"User {name!r} was not found in ServiceNow, or several are called so.")

    async def _named(self, table: str, name: str, noun: str, known: Mapping[str, str] | None = None) -> Named:
        if not name or query.SYS_ID.fullmatch(name):
            return Named(name)
        if known and name in known:
            return Named(known[name])
        kept = self._memory.get(f"{table}:{name}")
        if kept is None:
            kept = await self._ask(table, name, noun)
            if kept.sys_id:  # what is missing may be added at any moment
                self._memory.keep(f"{table}:{name}", kept)
        return kept

    async def _ask(self, table: str, name: str, noun: str) -> Named:
        if not query.askable(name):
            return Named(gap=f"{noun} {name!r} can't be looked up by this name: use its sys_id.")
        found = await self._table.find(table, query.where(("name", "=", name)), ("sys_id", "name"))
        # The vendor ignores a condition it doesn't understand and then returns anything: believe no other name.
        rows = [row for row in found.rows if value(row, "name") == name]
        if len(rows) == 1:
            return Named(value(rows[0], "sys_id"))
        if rows or found.total > 1:
            return Named(gap=f"{noun} {name!r} is the name of several records: use a sys_id.")
        return Named(gap=f"{noun} {name!r} was not found in ServiceNow.")
