"""A vendor with a clock of its own, as the contract has it: small, so that a test can say exactly what it does."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from firstline.connector import Connector, Delivery, Finding, Note, Page, Registration, StateChange, Window
from firstline.errors import Rejected
from firstline.incident import OPENED, Event, Incident, IncidentState, Link, Reference

PAGE = 2
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class NoSettings(BaseModel):
    pass


class Ticket(BaseModel):
    id: str
    opened: datetime
    changed: datetime
    version: int = 0
    readable: bool = True
    state: str = "open"
    number: str = ""
    view: int = 0  # the version of the incident it shows, where that is not the event's
    link: str = ""  # the id of the same fault in another vendor


class Vendor(Connector[NoSettings]):
    """Tickets by id; `now` is its clock; `errors` are raised by the next polls, one each (None: none)."""

    name: ClassVar[str] = "vendor"
    settings_model: ClassVar[type[BaseModel]] = NoSettings
    overlap: ClassVar[float] = 120.0

    def __init__(self, connection: str = "vendor") -> None:
        super().__init__(connection, NoSettings())
        self.now = START
        self.tickets: dict[str, Ticket] = {}
        self.asked: list[Window] = []
        self.errors: list[Exception | None] = []
        self.connected: list[str] = []
        self.hidden = 0
        self.again = 0  # rows of a page that the next one shows again
        self.refusal: Exception | None = None

    def open(self, *ids: str, ago: float = 0) -> None:
        """Tickets opened so many seconds before its now."""
        when = self.now - timedelta(seconds=ago)
        self.tickets |= {id_: Ticket(id=id_, opened=when, changed=when) for id_ in ids}

    async def poll(self, window: Window, page: str = "") -> Page:
        self.asked.append(window)
        if self.errors and (error := self.errors.pop(0)):
            raise error
        by = "changed" if window.by == "changed" else "opened"
        rows = sorted(self.tickets.values(), key=lambda ticket: (getattr(ticket, by), ticket.id))
        until = window.until or self.now + timedelta(days=1)
        rows = [row for row in rows if window.since <= getattr(row, by) < until]
        start = int(page or 0)
        shown, more = rows[max(0, start - self.again) : start + PAGE], len(rows) > start + PAGE
        complete = shown[-1].changed if more else self.now
        return Page(
            deliveries=tuple(self.delivery(row) for row in shown),
            next=str(start + PAGE) if more else "",
            complete_to=complete if window.by == "changed" else None,
            total=len(rows) + self.hidden if window.by == "opened" else None,
        )

    def delivery(self, ticket: Ticket) -> Delivery:
        key = f"poll:{ticket.id}:{ticket.version}"
        body = ticket.model_dump_json().encode()
        return Delivery(connection=self.connection, key=key, body=body, received_at=self.now, polled=True)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        ticket = Ticket.model_validate(json.loads(delivery.body))
        if not ticket.readable:
            raise Rejected(f"{ticket.id}: can't be read")
        reference = Reference(connection=self.connection, kind="ticket", id=ticket.id, number=ticket.number)
        links = (Link(system=self.name, id=ticket.link),) if ticket.link else ()
        state = IncidentState(ticket.state)
        incident = Incident(
            reference=reference, title=ticket.id, version=max(ticket.version, ticket.view), state=state, links=links
        )
        common: dict[str, Any] = {"reference": reference, "incident": incident}
        told = [Event(id=f"{ticket.id}:0", type=OPENED, occurred_at=ticket.opened, **common)]
        if ticket.version:
            told.append(
                Event(id=f"{ticket.id}:{ticket.version}", type="incident.updated", occurred_at=ticket.changed, **common)
            )
        return told

    async def connect(self, hook_url: str) -> Registration:
        self.connected.append(hook_url)
        if self.refusal:
            raise self.refusal
        return Registration(state="made", id="hook-1", secret="shown-once")

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return str(json.loads(body)["id"])

    async def fetch(self, reference: Reference) -> Incident:
        return Incident(reference=reference)

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        return reference

    async def set_state(self, reference: Reference, change: StateChange) -> None: ...

    async def check(self) -> list[Finding]:
        return []

    async def aclose(self) -> None: ...
