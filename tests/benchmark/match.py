"""The cost of deciding one event against 10, 1,000 and 10,000 mappings."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.benchmark.figure import tell

from firstline.incident import Event, Incident, Reference
from firstline.mapping import CompiledMapping, Matcher, load_packs

COUNTS = (10, 1_000, 10_000)
EVENTS = 300
ROUNDS = 5

RUNBOOK = """
id: look
version: 1.0.0
title: Look
owner: bench
targets: [local]
steps:
  - {name: look, run: ["true"]}
"""


def run() -> None:
    costs = {count: _cost(count) for count in COUNTS}
    ratio = costs[COUNTS[-1]] / costs[COUNTS[0]]
    for count, cost in costs.items():
        tell(
            f"deciding one event, {count} mappings",
            cost * 1e6,
            "µs",
            wanted="at 10,000 at most three times that at 10",
            met=ratio <= 3,
            yardstick="the same event against 10 mappings",
            ratio=cost / costs[COUNTS[0]],
        )


def _cost(count: int) -> float:
    """Seconds for an event; each has its service, and about one mapping in ten thousand is its own."""
    with tempfile.TemporaryDirectory() as scratch:
        matcher = Matcher(_load(Path(scratch), count))
    events = [_event(number % count) for number in range(EVENTS)]
    return median(_round(matcher, events) for _ in range(ROUNDS))


def _round(matcher: Matcher, events: list[Event]) -> float:
    begun = time.perf_counter()
    for event in events:
        if matcher.decide(event, environment="prod").outcome != "matched":
            raise RuntimeError(f"{event.id} matched nothing")
    return (time.perf_counter() - begun) / len(events)


def _load(folder: Path, count: int) -> list[CompiledMapping]:
    pack = folder / "bench"
    (pack / "runbooks" / "look").mkdir(parents=True)
    (pack / "runbooks" / "look" / "runbook.yaml").write_text(RUNBOOK)
    mappings = "".join(
        f'  - id: m-{number}\n    when: incident.service == "service-{number}" && incident.title.contains("down")\n'
        f"    runbook: look\n    mode: auto\n"
        for number in range(count)
    )
    (pack / "mapping.yaml").write_text(f"mappings:\n{mappings}")
    packs = load_packs(folder)
    if packs.errors:
        raise packs.errors[0]
    return packs.mappings


def _event(number: int) -> Event:
    reference = Reference(connection="pagerduty", kind="incident", id=f"Q{number}")
    incident = Incident(reference=reference, title="it is down", service=f"service-{number}")
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Event(id=f"e{number}", type="incident.opened", reference=reference, occurred_at=moment, incident=incident)
