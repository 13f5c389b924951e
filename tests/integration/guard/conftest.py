"""The gate on a real database: remediations that want to go, and a clock that the test moves."""

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from firstline import access
from firstline.access import Person, Right, grant, roll
from firstline.guard import Guards, Hold, Windows
from firstline.incident import Incident, Reference
from firstline.ledger.facet import FACETS, digests
from firstline.remediation.hold import gate, override, switch
from firstline.remediation.hold.verdict import Verdict
from firstline.remediation.plan import Plan
from firstline.runbook.plan import Change, Limits, ResolvedRunbook
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import LEDGER, LOCK, REMEDIATION, TOUCH, WRITE_BACK, RemediationRow, RunRow

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAGER = "pager"


@dataclass
class Case:
    """A remediation that wants to go."""

    row: dict[str, Any]
    plan: Plan
    incident: Incident

    @property
    def id(self) -> str:
        return str(self.row["id"])


@dataclass
class World:
    """What a test does with the gate. `now` is the clock."""

    database: Database
    rules: Guards = field(default_factory=Guards)
    windows: Windows = field(default_factory=Windows)
    now: datetime = NOON
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def settings(self, **guards: Any) -> None:
        """As `[guards]` of firstline.toml."""
        self.rules = Guards.model_validate(guards)

    def case(self, *targets: str, ci: str = "", service: str = "shop", **more: Any) -> Case:
        """A remediation of a runbook that changes these targets; `more`: of `planned`."""
        number = next(self._numbers)
        incident = Incident(
            reference=Reference(connection="pagerduty", kind="incident", id=f"P{number}"), ci=ci, service=service
        )
        plan = planned(targets or ("web1",), service, **more)
        row = RemediationRow(id=f"{number:032}", event_id="e", **_columns(plan, incident))
        self.put(row)
        return Case(dict(row.__dict__), plan, incident)

    def put(self, *rows: SQLModel) -> None:
        self.database.write_now(lambda connection: insert(connection, *rows))

    def do(self, statement: sa.Executable) -> None:
        self.database.write_now(lambda connection: connection.execute(statement))

    def admit(self, case: Case, database: Database | None = None) -> list[Hold]:
        ask = (case.row, case.plan, case.incident, self.rules, self.windows, self.now)
        return (database or self.database).write_now(lambda connection: gate.admit(connection, *ask))

    def holding(self, case: Case) -> list[str]:
        """The guards that hold it; none: then it was let go."""
        return [held.guard for held in self.admit(case)]

    def verdicts(self, case: Case) -> dict[str, Verdict]:
        ask = (case.row, case.plan, case.incident, self.rules, self.windows, self.now)
        said, _ = self.database.read_now(lambda connection: gate.judge(connection, *ask))
        return {each.guard: each for each in said}

    def ran(self, case: Case) -> None:
        """A step of it began."""
        named = f"{case.id}.step.0"
        self.put(RunRow(id=named, remediation_id=case.id, phase="step", name="x", target="web1", executor="command"))

    def end(self, case: Case, outcome: str = "proved", *, ran: bool = True) -> bool:
        """It ends, and what it had is let go. True when a breaker opened by it."""
        if ran:
            self.ran(case)
        return self.database.write_now(lambda connection: self._end(connection, case, outcome))

    def _end(self, connection: sa.Connection, case: Case, outcome: str) -> bool:
        this = REMEDIATION.c.id == case.id
        connection.execute(sa.update(REMEDIATION).where(this).values(outcome=outcome, ended_at=self.now))
        row = dict(connection.execute(sa.select(REMEDIATION).where(this)).mappings().one())
        opened = gate.settle(connection, row, outcome, self.rules, self.now, PAGER)
        gate.release(connection, case.id, self.now)
        return opened

    def throw(self, scope: str) -> None:
        self.database.write_now(lambda connection: switch.throw(connection, scope, "ann", "fire drill"))

    def lift(self, scope: str) -> None:
        self.database.write_now(lambda connection: switch.lift(connection, scope, "ann", "it is over"))

    def override(self, case: Case, person: Person, reason: str = "the shop is down") -> None:
        given = (case.id, person, reason, self.now)
        self.database.write_now(lambda c: override.override(c, *given, pager=PAGER, url="https://hub"))

    def person(self, name: str, *rights: Right, **where: str) -> Person:
        def make(connection: sa.Connection) -> Person:
            roll.add(connection, name, by="os:root")
            grant.grant(connection, f"person:{name}", list(rights), by="os:root", **where)
            found = access.find(connection, name)
            assert found is not None
            return found

        return self.database.write_now(make)

    def rows(self, table: sa.Table, **values: Any) -> list[Any]:
        query = sa.select(table).filter_by(**values)
        return list(self.database.read_now(lambda connection: connection.execute(query).mappings().all()))

    def locked(self) -> dict[str, str]:
        return {row["target"]: row["remediation_id"] for row in self.rows(LOCK)}

    def touched(self, case: Case) -> list[str]:
        return sorted(row["target"] for row in self.rows(TOUCH, remediation_id=case.id))

    def told(self, subject: str) -> list[dict[str, Any]]:
        return [json.loads(row["entry"]) for row in self.rows(LEDGER, subject=subject)]

    def alarms(self) -> list[dict[str, Any]]:
        return [row["body"] for row in self.rows(WRITE_BACK, connection=PAGER)]

    def unbound(self, name: str) -> list[str]:
        """Rows of a facet that are not as the ledger says."""
        bound: dict[str, str] = {}
        for row in self.rows(LEDGER):
            bound |= json.loads(row["entry"])["rows"]
        with self.database.engine.connect() as connection:
            found = {name: each for name, each, *_ in digests(connection, FACETS[name])}
        return [name for name, digest in found.items() if bound.get(name) != digest]


def planned(targets: tuple[str, ...], service: str = "shop", **more: Any) -> Plan:
    """`more`: change (None: it only reads), limits, group, runbook, mapping, digest."""
    change = Change(type="standard", template="restart", ci="", risk="", backout="")
    runbook = ResolvedRunbook(
        id=more.get("runbook", "restart"),
        version="1.0.0",
        owner="team-shop",
        title="Restart it",
        description="",
        runbook_digest=more.get("digest", "d1"),
        inputs={},
        targets=targets,
        group=more.get("group", ()),
        change=more.get("change", change),
        limits=Limits(timeout=60, output=1000, **more.get("limits", {})),
        before=(),
        steps=(),
        after=(),
        rollback=(),
        diagnose=(),
    )
    named = {"mapping": more.get("mapping", "shop/down"), "pack": "shop", "service": service, "environment": "prod"}
    return Plan(**named, dedupe="d", mode="auto", runbook=runbook, change_register="servicenow")


def _columns(plan: Plan, incident: Incident) -> dict[str, Any]:
    return {
        "connection": incident.reference.connection,
        "environment": plan.environment,
        "mapping": plan.mapping,
        "mode": plan.mode,
        "incident": incident.model_dump(mode="json"),
        "plan": plan.model_dump(mode="json"),
        "plan_digest": plan.digest,
        "service": plan.service,
        "pack": plan.pack,
        "runbook": f"{plan.pack}/{plan.runbook.id}",
        "changes": plan.runbook.change is not None,
        "stage": "ready",
    }


@pytest.fixture
def world(database: Database) -> World:
    """On each of the two databases."""
    return World(database)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, made once."""
    path = tmp_path_factory.mktemp("guard") / "empty.db"
    database = Database(f"sqlite:///{path}")
    database.create()
    database.close()
    return path


@pytest.fixture
def small(empty: Path, tmp_path: Path) -> Iterator[World]:
    """On SQLite alone: what does not depend on the database. Nothing is forced to the disk: no power fails here."""
    path = tmp_path / "firstline.db"
    shutil.copyfile(empty, path)
    database = Database(f"sqlite:///{path}")
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    yield World(database)
    database.close()
