"""Writes notes, once each."""

from datetime import UTC, datetime, timedelta
from typing import Any

from firstline.connector import Note
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_servicenow import journal, query
from firstline_servicenow.memory import Memory
from firstline_servicenow.record import moment, value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table

SAVED = ("sys_id", "sys_mod_count", "sys_updated_on", "sys_updated_by")
RECENT = timedelta(minutes=5)  # by our clock; beyond, one request more tells


class Notes:
    def __init__(self, connection: str, settings: ServiceNowSettings, table: Table) -> None:
        self._connection = connection
        self._settings = settings
        self._table = table
        self._counts: Memory[str] = Memory()  # by record, the save that our last note made

    async def write(self, reference: Reference, note: Note) -> Reference:
        """The reference's id is the note's marker: a journal entry's own sys_id is not told when it is written, and
        nothing can be done with it."""
        record = query.sys_id(reference.id)
        if not (note.tried and await self._written(reference, note)):
            text = journal.render(note, as_html=self._settings.html_notes)
            row = await self._table.update(reference.kind, record, {journal.field(note): text}, SAVED)
            if not self._saved(record, row):
                await self._demand(reference, note)
        return Reference(
            connection=self._connection,
            kind="sys_journal_field",
            id=journal.marker(note.key),
            number=reference.number,
            url=reference.url,
        )

    def _saved(self, record: str, row: dict[str, Any]) -> bool:
        """True when the answer shows a save that is ours and new. What an access rule drops is answered well too."""
        seen, now = self._counts.get(record), value(row, "sys_mod_count")
        self._counts.keep(record, now)
        at = moment(row, "sys_updated_on")
        recent = at is not None and abs(datetime.now(UTC) - at) <= RECENT
        ours = value(row, "sys_updated_by").casefold() == self._settings.actor.casefold()
        return recent and ours and seen != now

    async def _demand(self, reference: Reference, note: Note) -> None:
        """Raise `Rejected` when the note is not there. A journal that may not be read says neither."""
        rows, hidden = await self._look(reference, note)
        if not rows and not hidden:
            field = f"{reference.kind}.{journal.field(note)}"
            raise Rejected(
                f"ServiceNow took the note for {reference.label} and did not keep it: let the account write {field}"
            )

    async def _written(self, reference: Reference, note: Note) -> bool:
        rows, hidden = await self._look(reference, note)
        if hidden:
            raise Rejected(
                f"whether the note is already on {reference.label} can't be told: let the account read "
                "sys_journal_field (an access rule hides its rows)"
            )
        return rows

    async def _look(self, reference: Reference, note: Note) -> tuple[bool, bool]:
        """Whether the note is there, and whether it may be there unseen."""
        marker = journal.marker(note.key)
        where = query.where(("element_id", "=", reference.id), ("value", "LIKE", marker))
        found = await self._table.find("sys_journal_field", where, ("sys_id", "value"), 10)
        return any(marker in value(row, "value") for row in found.rows), found.hidden
