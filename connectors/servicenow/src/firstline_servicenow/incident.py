"""Moves incidents and tasks, assigns them, and sets their fields: what is there already is not written, and what was
written is read back."""

from collections.abc import Mapping

from firstline.connector import StateChange, Update
from firstline.errors import FirstlineError, Rejected
from firstline.incident import Reference
from firstline_servicenow import kind, query, state
from firstline_servicenow import update as updating
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.lookup import Lookup
from firstline_servicenow.record import Record, value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table
from firstline_servicenow.translate import Reader


class Incidents:
    def __init__(self, settings: ServiceNowSettings, table: Table, dictionary: Dictionary, reader: Reader) -> None:
        self._settings = settings
        self._table = table
        self._dictionary = dictionary
        self._reader = reader
        self._lookup = Lookup(table, {})

    async def move(self, reference: Reference, change: StateChange) -> None:
        table = reference.kind
        kind.kind(table)
        if change.to == "reassigned":
            return await self._assign(reference, change)
        record = await self._table.get(table, reference.id, state.FIELDS)
        if state.there(record, self._reader.state(table, record), change):
            return None
        return await self._write(reference, state.writes(table, change, self._settings))

    async def update(self, reference: Reference, update: Update) -> None:
        want = updating.wanted(reference.kind, update)
        fields = ("sys_id", "number", "impact", "urgency", *want)
        record = await self._table.get(reference.kind, reference.id, fields)
        if not _holds(record, want):
            written = updating.writes(reference.kind, record, want)
            await self._table.update(reference.kind, reference.id, written)
            state.confirm(await self._table.get(reference.kind, reference.id, fields), want)

    async def _assign(self, reference: Reference, change: StateChange) -> None:
        want = await self._assignee(change.assignee)
        record = await self._table.get(reference.kind, reference.id, ("sys_id", "number", *want))
        if not _holds(record, want):
            await self._write(reference, {**want, **state.noted(change.reason)})

    async def _assignee(self, name: str) -> dict[str, str]:
        """A group, or else a person."""
        if not name:
            raise Rejected("reassigned to whom? Name a group or a user")
        group = await self._lookup.group(name)
        if query.SYS_ID.fullmatch(name):
            found = await self._table.find("sys_user_group", query.where(("sys_id", "=", name)), ("sys_id",), 1)
            return {"assignment_group" if found.rows else "assigned_to": name}
        if group.sys_id:
            return {"assignment_group": group.sys_id}
        person = await self._lookup.person(name)
        if not person.sys_id:
            raise Rejected(f"{group.gap} {person.gap}")
        return {"assigned_to": person.sys_id}

    async def _write(self, reference: Reference, wanted: Mapping[str, str]) -> None:
        table, fields = reference.kind, (*state.FIELDS, *wanted)
        try:
            state.confirm(await self._table.update(table, reference.id, wanted, fields), wanted)
            state.confirm(await self._table.get(table, reference.id, fields), wanted)
        except Rejected as refusal:
            told = await self._explanation(reference, wanted)
            raise Rejected(". ".join((str(refusal), *told))) from refusal

    async def _explanation(self, reference: Reference, wanted: Mapping[str, str]) -> list[str]:
        """What the instance's own rules say of a refusal, as far as they can be read."""
        table = reference.kind
        try:
            record = await self._table.get(table, reference.id)
            lacking = await self._dictionary.lacking(table, record, wanted)
            codes = await self._dictionary.choices(table, "close_code")
        except FirstlineError:
            return []  # the refusal itself is what counts
        told = []
        if lacking:
            told.append(f"Mandatory and empty: {', '.join(lacking)}; give them in `resolve.{table}` of the connection")
        if codes and wanted.get("close_code", "") not in {"", *codes}:
            told.append(f"The choices of {table}.close_code are: {', '.join(codes)}")
        return told


def _holds(record: Record, want: Mapping[str, str]) -> bool:
    return all(value(record, name) == text for name, text in want.items())
