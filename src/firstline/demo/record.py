"""What the vendors' records say at the end: read from the sandboxes, never from the hub."""

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Record:
    """One record, whatever system it is in. `state` is in the vendor's own words; `notes` are in the order of writing,
    `public` those of them that the caller can read. `result`: how a change was closed, who has a page, a request's
    resolution. `evidence`: a change's close notes, empty if it never was in Implement. `ci`: its item's name."""

    system: str
    kind: str
    number: str
    title: str
    state: str
    notes: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    result: str = ""
    evidence: str = ""
    ci: str = ""
    url: str = ""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The notes that are no start note."""
        return tuple(note for note in self.notes if not note.startswith(AT_WORK))


AT_WORK = "Firstline is at work"  # begins a start note, which is written only where the work takes a while


@dataclass(frozen=True)
class Records:
    """All records of the three sandboxes."""

    all: tuple[Record, ...]

    def of(self, system: str, kind: str) -> tuple[Record, ...]:
        return tuple(record for record in self.all if (record.system, record.kind) == (system, kind))

    @property
    def pages(self) -> tuple[Record, ...]:
        return self.of("pagerduty", "incident")

    @property
    def tickets(self) -> tuple[Record, ...]:
        return self.of("servicenow", "incident")

    @property
    def requests(self) -> tuple[Record, ...]:
        return self.of("jira", "request")

    @property
    def changes(self) -> tuple[Record, ...]:
        return self.of("servicenow", "change_request")


# What differs from one run to the next for no reason of the hub's: identifiers, numbers, times, process ids, ports.
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b(?=[0-9A-Za-z]*[0-9])[0-9a-f]{10,}\b|\bQ[0-9A-Z]{6,}\b"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00| UTC)?"
    r"|\d+([.]\d+)?"
)


def comparable(records: Records) -> list[tuple[str, ...]]:
    """The records without what varies, sorted: two runs that ended the same way give the same list."""
    return sorted(_plain(record) for record in records.all)


def _plain(record: Record) -> tuple[str, ...]:
    words = (record.system, record.kind, record.title, record.state, record.result, record.ci)
    notes = (*_steady("internal", record.outcomes), *_steady("public", record.public))
    return (*words, *notes, *_steady("evidence", [record.evidence]))


def _steady(kind: str, notes: Iterable[str]) -> list[str]:
    return [f"{kind}: {_VARYING.sub('#', note)}" for note in notes]
