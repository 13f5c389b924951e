"""ServiceNow, for the hub."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel

from firstline.connector import (
    Approval,
    ChangeDraft,
    ChangeRegister,
    ChangeState,
    Conflict,
    Connector,
    Delivery,
    Evidence,
    Finding,
    Note,
    StateChange,
)
from firstline.errors import Rejected
from firstline.http import client
from firstline.incident import Event, Incident, Reference
from firstline_servicenow import check, journal, query, signature, state, translate
from firstline_servicenow.record import value
from firstline_servicenow.register import Register
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table


class ServiceNowConnector(Connector[ServiceNowSettings], ChangeRegister):
    """One ServiceNow instance, with one integration account."""

    name: ClassVar[str] = "servicenow"
    settings_model: ClassVar[type[BaseModel]] = ServiceNowSettings

    def __init__(self, connection: str, settings: ServiceNowSettings) -> None:
        super().__init__(connection, settings)
        password = settings.password.get_secret_value()
        self._secrets = tuple(secret.get_secret_value() for secret in settings.webhook_secrets)
        self._table = Table(settings.base_url, settings.user, password)
        self._http = client(settings.base_url, auth=(settings.user, password))
        self._register = Register(connection, settings, self._table, self._http)

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return signature.verify(self._secrets, headers, body)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        return (translate.event(delivery, self.settings.base_url, self.settings.actor),)

    async def fetch(self, reference: Reference) -> Incident:
        """By sys_id; by number where that is all there is."""
        if query.SYS_ID.fullmatch(reference.id):
            record = await self._table.get("incident", reference.id)
        else:
            record = await self._numbered(reference)
        return translate.read(record, self.connection, self.settings.base_url)

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        """The reference's id is the note's marker: a journal entry's own sys_id is not told when it is written, and
        nothing can be done with it."""
        record = query.sys_id(reference.id)
        if not (note.tried and await self._written(reference, note)):
            await self._table.update(reference.kind, record, {journal.field(note): journal.render(note)})
        return Reference(
            connection=self.connection,
            kind="sys_journal_field",
            id=journal.marker(note.key),
            number=reference.number,
            url=reference.url,
        )

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        if reference.kind != "incident":
            raise Rejected(f"only incidents have these states, not a {reference.kind}")
        if state.there(await self._table.get("incident", reference.id, state.FIELDS), change):
            return
        wanted = state.writes(change, self.settings.close_code)
        state.confirm(await self._table.update("incident", reference.id, wanted, state.FIELDS), wanted)
        state.confirm(await self._table.get("incident", reference.id, state.FIELDS), wanted)

    async def check(self) -> list[Finding]:
        return await check.findings(self._table, self.settings)

    async def aclose(self) -> None:
        await self._http.aclose()
        self._table.close()

    async def open(self, draft: ChangeDraft) -> Reference:
        return await self._register.open(draft)

    async def approval(self, reference: Reference) -> Approval:
        return await self._register.approval(query.sys_id(reference.id))

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        await self._register.move(query.sys_id(reference.id), to, evidence)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        """Changes that are scheduled or under way on the same item in the window, asked of the table: the vendor's own
        check is a background job that answers later, and its result may be from before the window moved."""
        return await self._register.conflicts(query.sys_id(reference.id))

    async def _numbered(self, reference: Reference) -> dict[str, object]:
        if not reference.id.isascii() or not reference.id.isalnum():
            raise Rejected(f"{reference.id[:80]!r} is neither a sys_id nor a number such as INC0012345")
        found = await self._table.find("incident", query.where(("number", "=", reference.id)), ())
        if len(found.rows) != 1 or value(found.rows[0], "number") != reference.id:
            raise Rejected(f"there is no incident {reference.id} that the account may read")
        return found.rows[0]

    async def _written(self, reference: Reference, note: Note) -> bool:
        marker = journal.marker(note.key)
        where = query.where(("element_id", "=", reference.id), ("value", "LIKE", marker))
        found = await self._table.find("sys_journal_field", where, ("sys_id", "value"), 10)
        if found.hidden:
            raise Rejected(
                f"whether the note is already on {reference.label} can't be told: let the account read "
                "sys_journal_field (an access rule hides its rows)"
            )
        return any(marker in value(row, "value") for row in found.rows)
