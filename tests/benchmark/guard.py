"""What it costs to decide whether a remediation may go, on a busy night: 10,000 targets locked, 1,000 windows that
repeat, every guard set."""

import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.benchmark.figure import quantile, tell

from firstline.guard import Guards, Hold, Windows
from firstline.incident import Incident, Reference
from firstline.remediation.hold import gate
from firstline.remediation.hold.calendar import Calendars
from firstline.remediation.plan import Plan
from firstline.runbook.plan import Change, Limits, ResolvedRunbook
from firstline.store import Database, new_id
from firstline.store.database import insert
from firstline.store.table import LockRow, RemediationRow, TouchRow, now

LOCKS, WINDOWS, DECISIONS = 10_000, 1_000, 1_000
FILES = 10
RULES = {
    "cooldown": "5m",
    "flap": {"count": 3, "within": "24h"},
    "rate": {name: {"count": 1000, "per": "1h"} for name in ("hub", "runbook", "target", "service")},
    "blast": {"targets": 10, "share": 0.9},
}
EVENT = """BEGIN:VEVENT
UID:{number}
SUMMARY:Window {number}
CATEGORIES:{kind}
RESOURCES:host{number},host{other}
DTSTART;TZID=Europe/Berlin:20260105T{hour:02}0000
DURATION:PT1H
RRULE:FREQ=WEEKLY
END:VEVENT
"""

Case = tuple[RemediationRow, Plan, Incident]


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        database = Database(f"sqlite:///{scratch}/firstline.db")
        database.create()
        _lock(database)
        begun = time.perf_counter()
        windows = _windows(Path(scratch, "calendars"), database)
        loaded = time.perf_counter() - begun
        cases = [_case(number) for number in range(DECISIONS)]
        database.write_now(lambda connection: insert(connection, *(row for row, _, _ in cases)))
        took, busy, whole, went = _decide(database, cases, windows)
        database.close()
    about = {"locks": LOCKS, "windows": WINDOWS, "decisions": DECISIONS, "let_go": went}
    p99 = quantile(took, 0.99) * 1000
    met = p99 < 5 and 0 < went < DECISIONS
    beside = {
        "p50": quantile(took, 0.5) * 1000,
        "p99_processor": quantile(busy, 0.99) * 1000,
        "p99_with_commit": quantile(whole, 0.99) * 1000,
    }
    yardstick = "SQLite, one process; beside it its time on the processor, and the same with the commit to the disk"
    tell("guard decision, p99", p99, "ms", wanted="under 5", met=met, yardstick=yardstick, **about, **beside)
    count = len(windows.all)
    tell("calendars read", loaded, "s", wanted="under 10", met=loaded < 10, yardstick="62 days ahead", windows=count)


def _lock(database: Database) -> None:
    """Each of these targets is in other hands, and was touched by others all day."""
    until, at = now() + timedelta(days=1), now()
    locks = [
        LockRow(target=f"host{number}", remediation_id=f"other{number}", taken_at=at, expires_at=until)
        for number in range(LOCKS)
    ]
    touches = [_touch(number, at - timedelta(seconds=8 * number)) for number in range(LOCKS)]
    database.write_now(lambda connection: insert(connection, *locks, *touches))


def _touch(number: int, at: datetime) -> TouchRow:
    return TouchRow(
        remediation_id=f"other{number}",
        target=f"host{number}",
        runbook="bench/restart",
        service=f"service{number % 100}",
        fault=f"bench/down|host{number}",
        environment="bench",
        at=at,
        left_at=at,
    )


def _windows(folder: Path, database: Database) -> Windows:
    folder.mkdir()
    for file in range(FILES):
        events = "".join(_events(range(file, WINDOWS, FILES)))
        (folder / f"{file}.ics").write_text(f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
    return Calendars(folder, database).look(now())


def _events(numbers: range) -> Iterator[str]:
    for number in numbers:
        kind = "MAINTENANCE" if number % 10 == 0 else "FREEZE"
        yield EVENT.format(number=number, other=number + WINDOWS, kind=kind, hour=number % 24)


def _case(number: int) -> Case:
    """Of three targets in a group of some twenty; each tenth wants one that is locked."""
    locked = number % 10 == 0
    targets = tuple(f"free{number}-{each}" for each in range(2 if locked else 3))
    targets += (f"host{number + LOCKS // 2}",) if locked else ()
    plan = _plan(targets, (*targets, *(f"spare{number}-{each}" for each in range(20))), f"service{number % 100}")
    incident = Incident(reference=Reference(connection="pagerduty", kind="incident", id=str(number)), ci=targets[0])
    row = RemediationRow(
        id=new_id(),
        event_id="e",
        connection="pagerduty",
        environment=plan.environment,
        mapping=plan.mapping,
        mode=plan.mode,
        incident=incident.model_dump(mode="json"),
        plan=plan.model_dump(mode="json"),
        plan_digest=plan.digest,
        service=plan.service,
        pack=plan.pack,
        runbook="bench/restart",
        changes=True,
        stage="ready",
    )
    return row, plan, incident


def _plan(targets: tuple[str, ...], group: tuple[str, ...], service: str) -> Plan:
    runbook = ResolvedRunbook(
        id="restart",
        version="1.0.0",
        owner="bench",
        title="Restart it",
        description="",
        runbook_digest="d",
        inputs={},
        targets=targets,
        group=group,
        change=Change(type="standard", template="restart", ci="", risk="", backout=""),
        limits=Limits(timeout=60, output=1000),
        before=(),
        steps=(),
        after=(),
        rollback=(),
        diagnose=(),
    )
    return Plan(mapping="bench/down", pack="bench", service=service, mode="auto", environment="bench", runbook=runbook)


def _decide(
    database: Database, cases: list[Case], windows: Windows
) -> tuple[list[float], list[float], list[float], int]:
    """Seconds of each decision, of the processor's for it, and with its transaction; and how many were let go."""
    rules, times, went = Guards.model_validate(RULES), [], 0
    for row, plan, incident in cases:
        begun = time.perf_counter()
        took, busy, holds = database.write_now(partial(_timed, dict(row.__dict__), plan, incident, rules, windows))
        times.append((took, busy, time.perf_counter() - begun))
        went += not holds
    took_all, busy_all, whole = (list(each) for each in zip(*times, strict=True))
    return took_all, busy_all, whole, went


def _timed(
    row: dict[str, Any],
    plan: Plan,
    incident: Incident,
    rules: Guards,
    windows: Windows,
    connection: sa.Connection,
) -> tuple[float, float, list[Hold]]:
    begun, busy = time.perf_counter(), time.thread_time()
    holds = gate.admit(connection, row, plan, incident, rules, windows, now())
    return time.perf_counter() - begun, time.thread_time() - busy, holds
