"""ServiceNow, for the hub."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel

from firstline.connector import (
    Attachment,
    Attachments,
    Blackout,
    ChangeDraft,
    ChangeRegister,
    ChangeState,
    Conflict,
    Connector,
    Delivery,
    Evidence,
    Finding,
    Note,
    Page,
    Proposal,
    Registration,
    Standing,
    StateChange,
    Update,
    Window,
)
from firstline.errors import Rejected
from firstline.http import client
from firstline.incident import Event, Incident, Reference
from firstline_servicenow import check, instruction, kind, query, signature, zone
from firstline_servicenow.attachment import AttachmentApi
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.incident import Incidents
from firstline_servicenow.limit import quota
from firstline_servicenow.note import Notes
from firstline_servicenow.poll import Poll, fields_of
from firstline_servicenow.record import value
from firstline_servicenow.register import Register
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.sign_in import Signed, sign_in
from firstline_servicenow.table import Table
from firstline_servicenow.translate import Reader


class ServiceNowConnector(Connector[ServiceNowSettings], ChangeRegister, Attachments):
    """One ServiceNow instance, with one integration account."""

    name: ClassVar[str] = "servicenow"
    settings_model: ClassVar[type[BaseModel]] = ServiceNowSettings
    overlap: ClassVar[float] = 120.0  # a save is dated when it begins, and seen when all its rules have run

    def __init__(self, connection: str, settings: ServiceNowSettings) -> None:
        super().__init__(connection, settings)
        self._secrets = tuple(secret.get_secret_value() for secret in settings.webhook_secrets)
        self._sign_in = sign_in(settings, self.meter)
        self._reader = Reader(connection, settings)
        self._table = Table(settings.base_url, self._sign_in, self.meter)
        self._http = client(settings.base_url, auth=Signed(self._sign_in), meter=self.meter, quota=quota)
        self._dictionary = Dictionary(self._table)
        self._incidents = Incidents(settings, self._table, self._dictionary, self._reader)
        self._notes = Notes(connection, settings, self._table)
        self._attachments = AttachmentApi(connection, settings.base_url, self._http)
        self._zone_tried = False
        self._register = Register(connection, settings, self._table, self._http, self._dictionary)

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return signature.verify(self._secrets, headers, body)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        return self._reader.events(delivery)

    async def poll(self, window: Window, page: str = "") -> Page:
        poll = Poll(self.connection, self.settings, window)
        if not self._zone_tried:
            self._zone_tried = await zone.demand_utc(self._table, self.settings.tables[0])
        return await poll.page(self._table, page)

    async def connect(self, hook_url: str) -> Registration:
        """ServiceNow has no interface to make a webhook; only its administrators can paste our scripts."""
        return Registration(state="manual", instructions=instruction.text(self.settings, hook_url))

    async def fetch(self, reference: Reference) -> Incident:
        """By sys_id; by number where that is all there is."""
        table = reference.kind
        kind.kind(table)
        fields = fields_of(self.settings, table)
        if query.SYS_ID.fullmatch(reference.id):
            record = await self._table.get(table, reference.id, fields)
        else:
            record = await self._numbered(reference, fields)
        return self._reader.incident(table, record)

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        return await self._notes.write(reference, note)

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await self._incidents.move(reference, change)

    async def update(self, reference: Reference, update: Update) -> None:
        await self._incidents.update(reference, update)

    async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
        return await self._attachments.attach(reference, attachment)

    async def attached(self, reference: Reference) -> list[Attachment]:
        return await self._attachments.attached(reference)

    async def check(self) -> list[Finding]:
        return await check.findings(self.settings, self._table, self._dictionary)

    async def aclose(self) -> None:
        await self._http.aclose()
        self._table.close()

    async def open(self, draft: ChangeDraft) -> Reference:
        return await self._register.open(draft)

    async def request(self, reference: Reference, evidence: Evidence) -> None:
        await self._register.request(query.sys_id(reference.id), evidence)

    async def standing(self, reference: Reference) -> Standing:
        return await self._register.standing(query.sys_id(reference.id))

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        await self._register.move(query.sys_id(reference.id), to, evidence)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        """Changes that are scheduled or under way on the same item in the window, asked of the table, and what the
        vendor's own check last found: to run that is a background job, which answers later."""
        return await self._register.conflicts(query.sys_id(reference.id))

    async def blackouts(self, since: AwareDatetime, until: AwareDatetime) -> list[Blackout]:
        return await self._register.blackouts.within(since, until)

    async def blame(self, incident: Reference, change: Reference) -> None:
        await self._register.blame(incident, change)

    async def propose(self, proposal: Proposal) -> Reference:
        return await self._register.proposals.propose(proposal)

    async def _numbered(self, reference: Reference, fields: Sequence[str]) -> dict[str, object]:
        number = reference.id
        if not number.isascii() or not number.isalnum():
            raise Rejected(f"{number[:80]!r} is neither a sys_id nor a number such as INC0012345")
        found = await self._table.find(reference.kind, query.where(("number", "=", number)), fields)
        if len(found.rows) != 1 or value(found.rows[0], "number") != number:
            raise Rejected(f"there is no {reference.kind} {number} that the account may read")
        return found.rows[0]
