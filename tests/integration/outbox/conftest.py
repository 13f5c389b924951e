"""The outbox without the rest of a hub: rows, a governor, and a small vendor that is asked over real HTTP."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from firstline.connector import (
    Alarm,
    Announcement,
    Attachment,
    Attachments,
    Connector,
    Delivery,
    Finding,
    Note,
    Page,
    Pager,
    Registration,
    StateChange,
    Update,
    Window,
)
from firstline.engine import Engine
from firstline.governor import Governor
from firstline.governor import connection as connections
from firstline.http import client, request
from firstline.incident import Event, Incident, Reference
from firstline.meter import Quota, moment_of
from firstline.outbox.writeback import WriteBack
from firstline.register.own import OwnRegister
from firstline.remediation.autonomy.policy import Policy
from firstline.remediation.begin import write_back
from firstline.remediation.context import Context
from firstline.remediation.plan import Plan
from firstline.remediation.run.log import Logs
from firstline.secret import References, Secrets
from firstline.settings import Budget
from firstline.store import Database, new_id
from firstline.store.database import insert
from firstline.store.lease import Leases
from firstline.store.table import LEDGER, WRITE_BACK, WriteBackRow, now

NAME, PAGER = "tickets", "pager"


class Clock:
    """The time, and what a test adds to it."""

    def __init__(self) -> None:
        self._added = timedelta()
        self._stopped: datetime | None = None

    def __call__(self) -> datetime:
        return (self._stopped or now()) + self._added

    def stop(self) -> None:
        self._stopped = now()

    def forward(self, seconds: float) -> None:
        self._added += timedelta(seconds=seconds)


@dataclass
class Vendor:
    """What has reached the vendor. `trouble`: status and headers of the next answers; `limit`: requests an hour."""

    clock: Clock
    limit: int | None = None
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    sent: list[tuple[str, Any]] = field(default_factory=list)
    requests: int = 0
    refused: int = 0
    hours: dict[int, int] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, asked: Request) -> JSONResponse:
        self.before()
        self.requests += 1
        hour = int(self.clock().timestamp() // 3600)
        used = self.hours[hour] = self.hours.get(hour, 0) + 1
        if self.limit is not None and used > self.limit:
            self.refused += 1
            return JSONResponse({"error": "limit"}, 429, {"Retry-After": str(self._left())})
        if self.trouble:
            status, headers = self.trouble.pop(0)
            return JSONResponse({"error": "as asked"}, status, headers)
        if asked.method == "POST":
            self.sent.append((asked.path_params["path"], await asked.json()))
        return JSONResponse({}, headers=self._told(used))

    def _told(self, used: int) -> dict[str, str]:
        if self.limit is None:
            return {}
        reset = int(self.clock().timestamp()) + self._left()
        return {"Limit": str(self.limit), "Remaining": str(self.limit - used), "Reset": str(reset)}

    def _left(self) -> int:
        return 3600 - int(self.clock().timestamp()) % 3600

    def of(self, kind: str) -> list[Any]:
        return [body for path, body in self.sent if path == kind]


def _quota(headers: Any) -> Quota | None:
    if "limit" not in headers:
        return None
    return Quota(int(headers["limit"]), int(headers["remaining"]), 3600.0, moment_of(headers["reset"]))


class TicketSettings(BaseModel):
    """None."""


class Tickets(Connector[Any], Attachments, Pager):
    """Each write is two requests: the write, and the look whether it is there."""

    name = "tickets"
    settings_model = TicketSettings

    def __init__(self, connection: str, base_url: str) -> None:
        super().__init__(connection, TicketSettings())
        self._http = client(base_url, meter=self.meter, quota=_quota)

    async def _post(self, kind: str, reference: Reference | None, body: BaseModel) -> None:
        told = {"record": reference.id if reference else "", **body.model_dump(mode="json")}
        await request(self._http, "POST", f"/{kind}", json=told)
        await request(self._http, "GET", f"/{kind}")

    async def poll(self, window: Window, page: str = "") -> Page:
        raise AssertionError("these tests only write")

    async def connect(self, hook_url: str) -> Registration:
        raise AssertionError("these tests only write")

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        await self._post("note", reference, note)
        return reference

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await self._post("state", reference, change)

    async def update(self, reference: Reference, update: Update) -> None:
        await self._post("update", reference, update)

    async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
        await self._post("attachment", reference, attachment)
        return reference

    async def attached(self, reference: Reference) -> list[Attachment]:
        return []

    async def alarm(self, alarm: Alarm) -> None:
        await self._post("alarm", None, alarm)

    async def announce(self, announcement: Announcement) -> None:
        await self._post("announcement", None, announcement)

    def verify(self, headers: Any, body: bytes) -> str:
        return ""

    def translate(self, delivery: Delivery) -> list[Event]:
        return []

    async def fetch(self, reference: Reference) -> Incident:
        return Incident(reference=reference)

    async def check(self) -> list[Finding]:
        return []

    async def aclose(self) -> None:
        await self._http.aclose()


@dataclass
class Outbox:
    """What a test does with it."""

    database: Database
    context: Context
    leases: Leases
    clock: Clock
    write_back: WriteBack

    @property
    def governor(self) -> Governor:
        return self.context.governor

    def put(self, *rows: WriteBackRow) -> None:
        self.database.write_now(lambda connection: insert(connection, *rows))

    async def send(self) -> int:
        """Send until nothing is due that may be sent; gives how many tries it took."""
        self.leases.take("write-back")
        tries = 0
        while begun := await self.write_back.send_due():
            await self.write_back.idle()
            tries += begun
        return tries

    def rows(self, **values: str) -> list[Any]:
        query = sa.select(WRITE_BACK).filter_by(**values).order_by(WRITE_BACK.c.id)
        return list(self.database.read_now(lambda connection: connection.execute(query).mappings().all()))

    def told(self, act: str) -> list[str]:
        query = sa.select(LEDGER.c.entry).order_by(LEDGER.c.id)
        entries = map(json.loads, self.database.read_now(lambda connection: connection.execute(query).scalars().all()))
        return [one["text"] for one in entries if one["act"] == act]

    def standing(self, name: str = NAME) -> connections.Standing:
        return self.database.read_now(lambda connection: connections.standing(connection, name))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vendor(clock: Clock) -> Vendor:
    return Vendor(clock)


@pytest.fixture
def pager(clock: Clock) -> Vendor:
    return Vendor(clock)


Open = Callable[[Database], Outbox]


def never(event: Event, mapping: str, policy: Policy) -> Plan:
    """Nothing is planned here."""
    raise AssertionError(mapping)


@pytest.fixture
async def opened(vendor: Vendor, pager: Vendor, loopback: Any, clock: Clock, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens an outbox on a database, as one process of a hub has it."""
    addresses = {NAME: loopback(vendor.app()), PAGER: loopback(pager.app())}
    made: list[Outbox] = []

    def on(database: Database) -> Outbox:
        connectors = {name: Tickets(name, address) for name, address in addresses.items()}
        governor = Governor(database, connectors, {NAME: Budget()}, PAGER, clock=clock)
        context = Context(
            database=database,
            engine=Engine(database, new_id()),
            boot=new_id(),
            connections=connectors,
            governor=governor,
            executors={},
            shelf=tmp_path,
            logs=Logs(tmp_path / "logs"),
            sources={},
            secrets=Secrets({}, References(), lambda _: None),
            place="here",
            url="https://hub",
            own=OwnRegister(database),
            plan_again=never,
        )
        leases = Leases(database)
        made.append(Outbox(database, context, leases, clock, WriteBack(context, leases)))
        return made[-1]

    yield on
    for outbox in made:
        await outbox.write_back.close()
        for connector in outbox.context.connections.values():
            await connector.aclose()
        outbox.leases.close()


@pytest.fixture
def outbox(database: Database, opened: Open) -> Outbox:
    database.write_now(lambda connection: connections.know(connection, [NAME, PAGER], PAGER, alone=True))
    return opened(database)


def record(number: int = 1, connection: str = NAME) -> Reference:
    return Reference(connection=connection, kind="incident", id=f"R{number}", number=f"INC{number:04d}")


def noted(remediation: str, key: str = "outcome", number: int = 1, **changes: Any) -> WriteBackRow:
    note = Note(key=f"{remediation}.{key}", headline=f"{key} of {remediation}", body="It was done.")
    return write_back(remediation, key, "note", record(number), note).model_copy(update=changes)


def stated(remediation: str, to: Any = "resolved", number: int = 1, **changes: Any) -> WriteBackRow:
    return write_back(remediation, f"to-{to}", "state", record(number), StateChange(to=to)).model_copy(update=changes)
