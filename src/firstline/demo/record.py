"""What the records say at the end: the vendors', read from the sandboxes, and the hub's own of what it did."""

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, order=True)
class Record:
    """One record, whatever system it is in. `state` is in the vendor's own words; `notes` are in the order of writing,
    `public` those of them that the caller can read. `result`: how a change was closed, who has a page, a request's
    resolution. `evidence`: a change's close notes, empty if it never was in Implement. `ci`: its item's name.
    `covered`: the number of the change that mends an incident."""

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
    covered: str = ""
    course: "Course | None" = field(default=None, compare=False)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The notes that tell of no beginning and no wait."""
        return tuple(note for note in self.notes if not note.startswith(PASSING))


PASSING = ("Firstline is at work", "Firstline waits")  # begin notes that are written only where it takes a while


@dataclass(frozen=True)
class Course:
    """How a change went, in times of whole seconds (UTC); None: that never happened. `approvers`: who approved it, by
    name."""

    type: str
    created_at: datetime
    approved_at: datetime | None
    work_start: datetime | None
    work_end: datetime | None
    approvers: tuple[str, ...]


@dataclass(frozen=True)
class Records:
    """All records of the three sandboxes."""

    all: tuple[Record, ...]

    def titled(self, titles: Set[str]) -> "Records":
        """Those with one of these titles, and the changes that name one."""
        return Records(tuple(record for record in self.all if _is_about(record, titles)))

    def without(self, titles: Set[str]) -> "Records":
        """The others."""
        return Records(tuple(record for record in self.all if not _is_about(record, titles)))

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


def _is_about(record: Record, titles: Set[str]) -> bool:
    return record.title in titles or (record.kind == "change_request" and any(each in record.title for each in titles))


@dataclass(frozen=True)
class Entry:
    """One act, as the hub's ledger has it."""

    act: str
    by: str
    subject: str
    text: str
    at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Remediation:
    """One that the hub began; `title` of its incident, `change`: the number, or empty."""

    id: str
    mapping: str
    title: str
    mode: str
    outcome: str
    approved_by: str
    change: str


@dataclass(frozen=True)
class Story:
    """What the hub itself tells of what it did, oldest first. `heard`: who told it of which change, by webhook or poll:
    pairs of the change's number and the vendor's name of who acted."""

    remediations: tuple[Remediation, ...] = ()
    entries: tuple[Entry, ...] = ()
    heard: frozenset[tuple[str, str]] = frozenset()

    def about(self, title: str) -> tuple[Remediation, ...]:
        return tuple(each for each in self.remediations if each.title == title)

    def told(self, subject: str, *acts: str) -> tuple[Entry, ...]:
        """The entries about a subject that tell of one of these acts."""
        return tuple(each for each in self.entries if each.subject == subject and each.act in acts)


# What differs from one run to the next for no reason of the hub's: identifiers, numbers, times, process ids, ports.
_VARYING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b(?=[0-9A-Za-z]*[0-9])[0-9a-f]{10,}\b|\bQ[0-9A-Z]{6,}\b"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00| UTC)?"
    r"|\d+([.]\d+)?"
)
_NUMBER = re.compile(r"#\d+")


def comparable(records: Records) -> list[tuple[str, ...]]:
    """The records without what varies, sorted: two runs that ended the same way give the same list."""
    return sorted(_plain(record) for record in records.all)


def _plain(record: Record) -> tuple[str, ...]:
    title = _NUMBER.sub("#", record.title)  # a change's names its incident
    words = (record.system, record.kind, title, record.state, record.result, record.ci)
    notes = (*_steady("internal", record.outcomes), *_steady("public", record.public))
    return (*words, *notes, *_steady("evidence", [record.evidence]))


def _steady(kind: str, notes: Iterable[str]) -> list[str]:
    return [f"{kind}: {_VARYING.sub('#', note)}" for note in notes]
