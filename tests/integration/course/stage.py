"""A hub whose loops the test turns by hand, with a clock that it moves. What it runs, asks and writes is real; only the
engine is left out, so that a turn ends where the test sees it."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from tests.integration.course.folder import JIRA, OWN, TOML, write_pack

from firstline import access, settings
from firstline.access import Right, grant, roll
from firstline.connector import Window
from firstline.engine import Engine
from firstline.governor import connection as connections
from firstline.hub import Hub
from firstline.ledger.verify import verify
from firstline.remediation import approval
from firstline.remediation.approval import Answer
from firstline.remediation.course import Course
from firstline.remediation.hold import override, switch
from firstline.remediation.note.start import tell_begun
from firstline.store import clock
from firstline.store.database import insert
from firstline.store.table import APPROVAL, LEDGER, LOCK, REMEDIATION, WRITE_BACK, DeliveryRow
from firstline.testing.loopback import ask

Turn = Callable[..., Awaitable[None]]


class Here:
    """In the place of the engine: a turn runs where it is started, to its end or to where the test breaks it off."""

    def __init__(self) -> None:
        self.workflows: dict[str, Turn] = {}

    def define(self, name: str, workflow: Turn) -> None:
        self.workflows[name] = workflow

    async def start(self, name: str, subject: str, turn: int) -> None:
        await self.workflows[name](subject, turn)

    async def is_over(self, name: str, subject: str, turn: int) -> bool:
        return True

    async def owners(self) -> set[str]:
        return set()


@dataclass
class Stage:
    """A hub, and what a test does with it."""

    hub: Hub
    folder: Path
    marks: Path
    addresses: dict[str, str]
    moved: list[int]
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 100)))

    async def incident(self, number: int = 1, **changes: Any) -> None:
        """PagerDuty tells of an incident; it is taken in, and what begins goes as far as it can."""
        body, count = triggered(number, next(self.numbers), **changes), str(next(self.numbers))
        row = DeliveryRow(connection="pagerduty", key=count, headers={}, body=body)
        await self.hub.database.write(lambda c: insert(c, row))
        await self.hub.dispatcher.dispatch()
        await self.go()

    async def poll(self, name: str) -> None:
        """What a connection has is taken in, and what begins goes as far as it can."""
        window, page = Window(since=clock.now() - timedelta(days=1)), ""
        while True:
            told = await self.hub.connections[name].poll(window, page)
            rows = [
                DeliveryRow(connection=name, key=one.key, headers={}, body=one.body, polled=True)
                for one in told.deliveries
            ]
            await self.hub.database.write(partial(insert_all, rows=rows))
            page = told.next
            if not page:
                break
        while await self.hub.dispatcher.dispatch():
            pass
        await self.go()

    async def go(self) -> None:
        """Let everything run that is due."""
        while await self.hub.runner.start_due():
            pass

    async def write(self) -> None:
        """Send what is due to be written on other systems."""
        await tell_begun(self.hub.context)
        while await self.hub.write_back.send_due():
            await self.hub.write_back.idle()

    async def wait(self, **time: float) -> None:
        """The clock goes on, and what became due runs."""
        self.moved[0] += int(timedelta(**time).total_seconds() * 1e9)
        await self.go()

    def row(self, **values: Any) -> Any:
        """The newest remediation."""
        query = sa.select(REMEDIATION).filter_by(**values).order_by(REMEDIATION.c.id.desc()).limit(1)
        return self.read(lambda c: c.execute(query).mappings().one())

    def rows(self) -> list[Any]:
        query = sa.select(REMEDIATION).order_by(REMEDIATION.c.id)
        return list(self.read(lambda c: c.execute(query).mappings().all()))

    def parked(self) -> list[str]:
        """Writes that nobody could make, with the reason."""
        query = sa.select(WRITE_BACK.c.reason).filter_by(state="parked")
        return list(self.read(lambda c: c.execute(query).scalars().all()))

    def read(self, ask: Callable[[sa.Connection], Any]) -> Any:
        return self.hub.database.read_now(ask)

    def told(self, subject: str = "") -> list[tuple[str, str]]:
        """Act and text of each entry about a remediation (the newest), or another subject."""
        query = sa.select(LEDGER.c.entry).filter_by(subject=subject or self.row()["id"]).order_by(LEDGER.c.id)
        entries = map(json.loads, self.read(lambda c: c.execute(query).scalars().all()))
        return [(one["act"], one["text"]) for one in entries]

    def acts(self, act: str) -> list[str]:
        return [text for each, text in self.told() if each == act]

    def notes(self, word: str = "") -> list[str]:
        """Headline and facts of each note for the ticket."""
        query = sa.select(WRITE_BACK.c.body).filter_by(act="note").order_by(WRITE_BACK.c.id)
        texts = map(json.dumps, self.read(lambda c: c.execute(query).scalars().all()))
        return [text for text in texts if word in text]

    def holding(self) -> list[str]:
        return [one["guard"] for one in self.row()["holds"] or []]

    def locks(self) -> list[str]:
        return list(self.read(lambda c: c.execute(sa.select(LOCK.c.target)).scalars().all()))

    def runs(self) -> int:
        """How often a step really ran."""
        path = self.marks / "runs"
        return path.read_text().count("ran") if path.exists() else 0

    def undone(self) -> bool:
        return (self.marks / "undone").exists()

    def person(self, name: str, *rights: Right) -> Any:
        def make(connection: sa.Connection) -> Any:
            if access.find(connection, name) is None:
                roll.add(connection, name, by="os:root")
                grant.grant(connection, f"person:{name}", rights or list(Right), by="os:root")
            return access.find(connection, name)

        return self.hub.database.write_now(make)

    async def answer(self, name: str, verdict: Any = "approved", comment: str = "as I say") -> None:
        """Somebody answers the question that was asked last."""
        person = self.person(name)
        last = sa.select(APPROVAL.c.id).order_by(APPROVAL.c.id.desc()).limit(1)
        asked = self.read(lambda c: c.execute(last).scalar())
        await approval.answer(self.hub.context, asked, Answer(verdict, person, "api", comment))
        await self.go()

    def throw(self, scope: str = "all") -> None:
        self.hub.database.write_now(lambda c: switch.throw(c, scope, "ann", "fire drill"))

    async def lift(self, scope: str = "all") -> None:
        self.hub.database.write_now(lambda c: switch.lift(c, scope, "ann", "it is over"))
        await self.go()

    async def override(self) -> None:
        ann, row = self.person("ann"), self.row()
        given = (row["id"], ann, "the shop is down", clock.now())
        self.hub.database.write_now(lambda c: override.override(c, *given, pager="", url="https://hub"))
        await self.go()

    def changes(self) -> list[dict[str, Any]]:
        """ServiceNow's changes, as its sandbox has them now."""
        return self.table("change_request")

    def table(self, name: str) -> list[dict[str, Any]]:
        state = ask("GET", f"{self.addresses['servicenow']}/sandbox/state").json()
        found: list[dict[str, Any]] = state["tables"].get(name, [])
        return found

    def desk(self, act: str, **answer: str) -> None:
        """What a person does on the sandbox's page of the newest change."""
        number = self.changes()[-1]["number"]
        url = f"{self.addresses['servicenow']}/sandbox/change/{number}/{act}"
        answered = ask("POST", url, data=answer)
        assert answered.status_code < 400, answered.text

    def trouble(self, **how: Any) -> None:
        """ServiceNow's sandbox answers the next requests so."""
        url = f"{self.addresses['servicenow']}/sandbox/trouble"
        ask("POST", url, json=how).raise_for_status()

    def edit(self, name: str, before: str, after: str) -> None:
        """Somebody edits a file of the pack, and the hub takes it."""
        path = next(each for each in (self.folder / "mappings").rglob(name) if each.is_file())
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        self.hub.decider.declarations = self.hub.declared.load()

    def manipulated(self) -> list[str]:
        """What `audit verify` finds wrong."""
        return [str(one) for one in self.read(lambda c: verify(c, [])).findings.told]


def insert_all(connection: sa.Connection, rows: list[DeliveryRow]) -> None:
    insert(connection, *rows)


def triggered(number: int, count: int, **changes: Any) -> bytes:
    service = {"id": "PSHOP01", "type": "service_reference", "summary": "shop", "html_url": "https://x/s"}
    record = {
        "id": f"Q{number:05d}",
        "type": "incident",
        "html_url": "https://x/i",
        "number": number,
        "status": "triggered",
        "title": "shop does not answer",
        "service": service,
        "urgency": "high",
        **{name: value for name, value in changes.items() if name not in ("event_type", "agent")},
    }
    event = {
        "id": f"01EVENT{count:05d}",
        "event_type": changes.get("event_type", "incident.triggered"),
        "resource_type": "incident",
        "occurred_at": clock.now().isoformat(),
        "agent": changes.get("agent"),
        "client": None,
        "data": record,
    }
    return json.dumps({"event": event}).encode()


Make = Callable[..., Awaitable[Stage]]


def make(
    tmp_path: Path,
    database_url: str,
    moved: list[int],
    vendors: Callable[[str], str],
    register: str,
    how: dict[str, Any],
) -> Stage:
    """Write its folder, and make a hub of it."""
    folder, marks = tmp_path / "hub", tmp_path / "marks"
    marks.mkdir(exist_ok=True)
    write_pack(folder, marks, how)
    name = "jira" if register == JIRA else "servicenow"
    addresses = {name: vendors(name)} if register else {}
    more = register.format(address=addresses[name]) if register else OWN
    toml = TOML.format(database=database_url, pagerduty=how.get("pagerduty", "http://127.0.0.1:9"), more=more)
    (folder / "firstline.toml").write_text(toml + how.get("settings", ""))
    hub = Hub(settings.load(folder))
    hub.context.engine = cast(Engine, Here())
    hub.calendars.look(clock.now())
    hub.database.write_now(lambda c: connections.know(c, hub.connections, "", alone=True))
    Course(hub.context)
    return Stage(hub, folder, marks, addresses, moved)


async def close(hub: Hub) -> None:
    await hub.write_back.close()
    await hub.governor.close()
    for connector in hub.connections.values():
        await connector.aclose()
    for executor in hub.context.executors.values():
        await executor.aclose()
    hub.database.close()
