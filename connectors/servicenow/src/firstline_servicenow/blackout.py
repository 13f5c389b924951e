"""The instance's blackout and maintenance schedules (Change Management, Collision Detector)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from firstline.connector import Blackout
from firstline.errors import Rejected
from firstline_servicenow import query, schedule
from firstline_servicenow.memory import Memory
from firstline_servicenow.record import Record, value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table
from firstline_servicenow.translate import reference

Kind = Literal["blackout", "maintenance"]
TABLES: dict[Kind, str] = {"blackout": "cmn_schedule_blackout", "maintenance": "cmn_schedule_maintenance"}
SCHEDULES, ENTRIES, ITEMS = 500, 5_000, 500  # rows; more items than that are taken for all
_FIELDS = ("sys_id", "name", "time_zone", "applies_to", "condition")


class Blackouts:
    def __init__(self, connection: str, settings: ServiceNowSettings, table: Table) -> None:
        self._connection = connection
        self._settings = settings
        self._table = table
        self._items: Memory[tuple[str, ...]] = Memory()

    async def within(self, since: datetime, until: datetime) -> list[Blackout]:
        if not self._settings.collision_detector:
            return []
        found = [(kind, row) for kind, name in TABLES.items() for row in await self._all(name, "", _FIELDS, SCHEDULES)]
        entries = await self._entries([value(row, "sys_id") for _, row in found])
        told: list[Blackout] = []
        for kind, row in found:
            told += await self._told(kind, row, entries.get(value(row, "sys_id"), []), (since, until))
        return told

    async def _told(self, kind: Kind, row: Record, entries: Sequence[Record], asked: schedule.Span) -> list[Blackout]:
        """A maintenance schedule that is not on at all in the time asked for leaves no room in it: a blackout. So is a
        schedule that can't be computed, for what it applies to; it must not take the others along."""
        name, url = value(row, "name"), self._url(kind, row)
        try:
            on = schedule.spans(entries, value(row, "time_zone"), *asked)
            why = f"outside {name}" if kind == "maintenance" and not on else ""
        except Rejected as error:
            why = f"{name}: {error}"
        if why:
            kind, name, on = "blackout", why, [asked]
        items = await self._covered(row) if on else None
        if items is None:
            return []
        return [Blackout(kind=kind, name=name, start=start, end=end, items=items, url=url) for start, end in on]

    async def _covered(self, row: Record) -> tuple[str, ...] | None:
        """Names and sys_ids of the items that the schedule applies to; empty: all. None: its condition fits none."""
        of, condition = value(row, "applies_to") or "cmdb_ci", value(row, "condition").removesuffix("^EQ")
        if of == "cmdb_ci" and not condition:
            return ()
        kept = self._items.get(f"{of}:{condition}")
        if kept is not None:
            return kept
        found = await self._table.find(of, condition, ("sys_id", "name"), ITEMS)
        if found.more or found.total > len(found.rows):
            return ()
        if not found.rows:
            return None
        names = [name for item in found.rows for name in (value(item, "name"), value(item, "sys_id")) if name]
        return self._items.keep(f"{of}:{condition}", tuple(dict.fromkeys(names)))

    async def _entries(self, schedules: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        entries: dict[str, list[dict[str, Any]]] = {}
        if schedules:
            where = query.where(("schedule", "IN", ",".join(schedules)))
            for row in await self._all("cmn_schedule_span", where, schedule.FIELDS, ENTRIES):
                entries.setdefault(value(row, "schedule"), []).append(row)
        return entries

    async def _all(self, table: str, where: str, fields: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """All rows there are. A freeze that can't be seen must not pass for none."""
        try:
            found = await self._table.find(table, where, fields, limit)
            hidden = found.total - len(found.rows)
        except Rejected as refusal:
            raise Rejected(f"{refusal}. {_mend(table)}") from refusal
        if hidden > 0:
            raise Rejected(f"{hidden} rows of {table} can't be read. {_mend(table)}")
        return found.rows

    def _url(self, kind: Kind, row: Record) -> str:
        return reference(self._connection, TABLES[kind], value(row, "sys_id"), row, self._settings.base_url).url


def _mend(table: str) -> str:
    return (
        f"Let the account read {table}; or set `collision_detector` of the connection to false, where the instance has "
        "no blackout and maintenance schedules"
    )
