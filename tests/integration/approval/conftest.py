"""Questions without the rest of a hub: people, remediations that wait for them, and a database."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from firstline import access
from firstline.access import Person, Right, delegation, grant, group, roll
from firstline.incident import Event, Incident, Reference
from firstline.ledger.facet import FACETS, digests
from firstline.remediation import approval
from firstline.remediation.approval import Answer, Standing
from firstline.remediation.begin import begin
from firstline.remediation.notification.notify import Asking
from firstline.remediation.plan import Asks, Plan
from firstline.runbook import Change, Command, Limits, ResolvedRunbook
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import APPROVAL, LEDGER, PERSON, REMEDIATION, VOTE, WRITE_BACK, ApprovalRow, EventRow, now

OS = "os:root"


@dataclass
class Office:
    """The people, and what they are asked."""

    database: Database
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def person(self, name: str, *rights: Right, groups: tuple[str, ...] = (), **more: Any) -> None:
        """Somebody with these rights (without any: who may see and approve) everywhere, or where `more` says."""
        where = {key: more.pop(key) for key in ("pack", "environment") if key in more}
        given = rights or (Right.SEE, Right.APPROVE)
        self.database.write_now(lambda c: roll.add(c, name, by=OS, **more))
        self.database.write_now(lambda c: grant.grant(c, f"person:{name}", given, by=OS, **where))
        for each in groups:
            self.database.write_now(partial(group.join, group=each, person=name, by=OS))

    def people(self) -> list[Any]:
        return list(self.database.read_now(lambda c: c.execute(PERSON.select()).mappings().all()))

    def delegate(self, giver: str, taker: str, **times: Any) -> None:
        given = {"until": now() + timedelta(hours=1), "reason": "on leave", "by": OS, **times}
        self.database.write_now(lambda c: delegation.delegate(c, giver, taker, **given))

    def ask(
        self,
        *by: str,
        count: int = 1,
        expires: float = 3600,
        stage: str = "waiting",
        actor: str = "",
        incident: dict[str, Any] | None = None,
        **plan: Any,
    ) -> str:
        """A remediation that waits for an answer; gives the approval's id."""
        asks = Asks(by=by, count=count)
        return ask(self.database, asks, expires, stage, _incident(next(self.numbers), **(incident or {})), actor, plan)

    def answer(self, asked: str, name: str, verdict: Any = "approved", comment: str = "", **more: Any) -> Standing:
        if verdict == "refused" and not comment:
            comment = "not now"
        moment = more.pop("moment", None) or now()
        person = self.find(name).model_copy(update={"limits": more.pop("limits", None)})
        given = Answer(verdict, person, more.pop("way", "api"), comment, **more)
        return self.database.write_now(lambda c: approval.give(c, asked, given, moment))

    def find(self, name: str) -> Person:
        found = self.database.read_now(lambda c: access.find(c, name))
        return found or Person(name=name)

    def row(self, table: sa.Table, **values: Any) -> Any:
        query = sa.select(table).filter_by(**values)
        return self.database.read_now(lambda c: c.execute(query).mappings().one())

    def rows(self, table: sa.Table, **values: Any) -> list[Any]:
        query = sa.select(table).filter_by(**values).order_by(table.c.id)
        return list(self.database.read_now(lambda c: c.execute(query).mappings().all()))

    def remediation(self, asked: str) -> Any:
        return self.row(REMEDIATION, id=self.row(APPROVAL, id=asked)["remediation_id"])

    def state(self, asked: str) -> str:
        return str(self.row(APPROVAL, id=asked)["state"])

    def votes(self, asked: str) -> list[tuple[str, str, str]]:
        return [(vote["person"], vote["by"], vote["verdict"]) for vote in self.rows(VOTE, approval_id=asked)]

    def told(self, asked: str, act: str) -> list[dict[str, Any]]:
        """The ledger's entries about the question's remediation."""
        entries = self.rows(LEDGER, subject=self.row(APPROVAL, id=asked)["remediation_id"])
        return [one for one in (json.loads(row["entry"]) for row in entries) if one["act"] == act]

    def notified(self, asked: str) -> list[str]:
        rows = self.rows(WRITE_BACK, act="notification", remediation_id=self.row(APPROVAL, id=asked)["remediation_id"])
        return [row["body"]["person"] for row in rows]

    def unbound(self) -> list[str]:
        """Rows of questions and answers that are not as the ledger says."""
        bound: dict[str, str] = {}
        for row in self.rows(LEDGER):
            bound |= json.loads(row["entry"])["rows"]
        with self.database.engine.connect() as connection:
            facets = [FACETS["approval"], FACETS["vote"]]
            found = {name: each for facet in facets for name, each, _ in digests(connection, facet)}
        return [name for name, digest in found.items() if bound.get(name) != digest]


def ask(
    database: Database, asks: Asks, expires: float, stage: str, incident: Incident, actor: str, plan: dict[str, Any]
) -> str:
    made = planned(asks=asks, **plan)
    event = Event(
        id=incident.reference.id,
        type="incident.opened",
        reference=incident.reference,
        occurred_at=now(),
        incident=incident,
        actor=actor,
    )
    row = EventRow(
        connection=incident.reference.connection,
        event_id=event.id,
        delivery_id="d",
        type=event.type,
        event=event.model_dump(mode="json", exclude={"data", "incident"}),
    )
    beginning = begin(event, row.id, made, incident.reference.id, url="https://hub", expires=expires)
    beginning.remediation.stage = stage
    asked = next(each for each in beginning.others if isinstance(each, ApprovalRow))

    def write(connection: sa.Connection) -> str:
        insert(connection, row, beginning.remediation, *beginning.others)
        insert(connection, *approval.asked(connection, [Asking(asked, made, incident, row.id)]))
        return asked.id

    return database.write_now(write)


def planned(*, runbook: dict[str, Any] | None = None, **changes: Any) -> Plan:
    command: dict[str, Any] = {"target": "shop", "executor": "command", "environment": {}, "timeout": 30.0}
    parts: dict[str, Any] = {
        "id": "restart-web",
        "version": "1.2.0",
        "owner": "team-shop",
        "title": "Restart a hung web process",
        "description": "",
        "runbook_digest": "d" * 64,
        "inputs": {},
        "targets": ("shop",),
        "change": Change(type="standard", template="Restart", ci="shop", risk="", backout=""),
        "limits": Limits(timeout=60, output=65_536),
        "before": (),
        "steps": (Command(name="restart", run=("./restart", "shop"), **command),),
        "after": (),
        "rollback": (),
        "diagnose": (),
        **(runbook or {}),
    }
    base = {"mapping": "shop/web-hung", "pack": "shop", "mode": "approve", "question": True, "environment": "prod"}
    return Plan(**{**base, "runbook": ResolvedRunbook(**parts), **changes})


def _incident(number: int, **changes: Any) -> Incident:
    reference = Reference(connection="servicenow", kind="incident", id=f"{number:032x}", number=f"INC{number:07d}")
    return Incident(**{"reference": reference, "title": "shop does not answer", **changes})


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with its tables: copied faster than made."""
    path = tmp_path_factory.mktemp("empty") / "firstline.db"
    made = Database(f"sqlite:///{path}")
    made.create()
    made.close()
    return path


@pytest.fixture
def sqlite(tmp_path: Path, empty: Path) -> Iterator[Database]:
    """For what is the same on both databases. No test here loses power: nothing waits for the disk."""
    path = shutil.copy(empty, tmp_path)
    made = Database(f"sqlite:///{path}")
    sa.event.listen(made.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    yield made
    made.close()


@pytest.fixture
def office(sqlite: Database) -> Office:
    return Office(sqlite)


Race = Callable[..., list[Any]]


@pytest.fixture
def at_once() -> Race:
    """Calls functions at the same moment, each in a thread; gives what each gave, or the error it raised."""

    def race(*calls: Callable[[], Any]) -> list[Any]:
        ready = Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            ready.wait(10)
            try:
                return call()
            except Exception as error:  # noqa: BLE001 - the test looks at it
                return error

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(one, calls))

    return race
