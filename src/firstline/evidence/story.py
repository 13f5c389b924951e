"""What a remediation's files tell, put in the order in which a person asks. Pure: only what is in the pack is told."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from firstline.evidence.case import Case, Line, opened
from firstline.remediation.note.text import headline

Row = dict[str, Any]

SHOWN = 20_000  # characters of an output or a body on a page; the whole stands in its file
_HASHED = re.compile(r"\b[0-9a-f]{32,64}\b")  # ids and digests: whole in the entries
_SIGNATURES = ("signature", "hmac")  # headers that carry one


@dataclass(frozen=True)
class Told:
    """A line of the timeline."""

    at: datetime
    by: str
    act: str
    text: str
    position: int | None
    rows: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Arrival:
    """A delivery, with what is known of who sent it."""

    row: Row
    body: str
    verdict: str


class Story:
    """A case as a page shows it. Each part is empty where nothing tells of it."""

    def __init__(self, case: Case) -> None:
        self.id = case.id
        self.gaps = case.gaps
        self._rows = {label: opened(label, kept) for label, kept in case.rows.items()}
        self.row: Row = self._one("remediation.ended") or self._one("remediation.begun")
        self.ended = bool(self._of("remediation.ended"))
        self.plan: Row = orjson.loads(case.plan)
        self.plan_digest = sha256(case.plan).hexdigest()
        self.runbook: Row = self.plan.get("runbook") or {}
        self.incident: Row = self.row.get("incident") or {}
        self.reference: Row = self.incident.get("reference") or {}
        self.lines = [_told(line) for line in case.about]
        self.beside = [_told(line) for line in case.beside]
        self.arrivals = [_arrival(row, case.bodies.get(row["id"], b"")) for row in self._of("delivery")]
        self.decisions = self._of("decision")
        self.approvals = [{**row, "votes": self._votes(row["id"])} for row in self._of("approval")]
        self.runs = sorted(self._of("run"), key=lambda row: (row["begun_at"], row["id"]))
        self.writes = sorted(self._of("write_back"), key=lambda row: row["id"])
        self.change: Row = self._one("change")

    @property
    def label(self) -> str:
        return self.reference.get("number") or self.reference.get("id") or self.id

    @property
    def said(self) -> str:
        """How it ended, in words."""
        if not self.ended:
            return "not ended"
        return headline(self.row["outcome"], changed=self.runbook.get("change") is not None)

    @property
    def steps(self) -> list[Row]:
        """All that the plan would do, in its order, each as a shell would need it written."""
        parts = ("before", "steps", "after", "rollback", "diagnose")
        return [_step(part, one) for part in parts for one in self.runbook.get(part) or ()]

    @property
    def summary(self) -> list[str]:
        return list(self._sentences())

    def _sentences(self) -> Iterator[str]:
        came = self.arrivals[0].row["received_at"] if self.arrivals else self.lines[0].at if self.lines else None
        if came:
            title, place = self.incident.get("title", ""), self.row.get("connection", "")
            yield f"{place} told of {self.label} “{title}” at {clock(came)}."
        if self.plan:
            named = f"{self.runbook['title']} ({self.runbook['id']} {self.runbook['version']})"
            owner, mode = self.runbook["owner"], self.plan["mode"]
            yield f"The mapping {self.plan['mapping']} chose the runbook {named}, owned by {owner}, in mode {mode}."
        yield self._let_go()
        if self.runs:
            yield self._ran()
        yield f"{self._change()} It ended: {self.said}." if self.ended else f"{self._change()} It has not ended."

    def _ran(self) -> str:
        steps = [run for run in self.runs if run["phase"] == "step"]
        others = [run for run in self.runs if run["phase"] != "step"]
        beside = f"{_count(len(others), 'other command')} looked, rolled back or diagnosed." if others else ""
        where = ", ".join(sorted({run["target"] for run in steps}))
        return f"{_count(len(steps), 'step')} ran{f' on {where}' if where else ''}. {beside}".strip()

    def _let_go(self) -> str:
        answered = [row for row in self.approvals if row["state"] != "waiting"]
        if answered:
            last = answered[-1]
            by = f" by {last['decided_by']}" if last["decided_by"] else ""
            when = f" at {clock(last['decided_at'])}" if last["decided_at"] else ""
            return f"Its plan {last['plan_digest'][:12]} was {last['state']}{by}{when}."
        if self.row.get("approved_by"):
            return f"It was let go by {self.row['approved_by']}."
        if self.plan.get("mode") == "auto":
            return "Nobody was asked: its mode is auto."
        return "Nobody let it go."

    def _change(self) -> str:
        change = self.row.get("change")
        if change:
            kind = self.row.get("change_type") or self.plan.get("change_type")
            words = [
                *([kind] if kind else []),
                "change",
                change.get("number") or change["id"],
                "in",
                change["connection"],
            ]
            return f"The {' '.join(words)} covers it."
        return "No change was opened." if self.runbook.get("change") else "It changes nothing, so there is no change."

    def _votes(self, approval: str) -> list[Row]:
        return [row for row in self._of("vote") if row["approval_id"] == approval]

    def _of(self, facet: str) -> list[Row]:
        return [row for label, row in self._rows.items() if label.startswith(f"{facet}/")]

    def _one(self, facet: str) -> Row:
        return next(iter(self._of(facet)), {})


def clock(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def shown(text: str) -> str:
    """As much as a page can hold."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n[{len(text) - SHOWN} characters more in the pack]"


def _told(line: Line) -> Told:
    entry = line.entry
    return Told(
        at=datetime.fromisoformat(entry["at"]),
        by=entry["by"],
        act=entry["act"],
        text=entry["text"],
        position=line.position,
        rows=tuple(entry["rows"]),
        facts=tuple((name, _plain(value)) for name, value in entry["facts"].items()),
    )


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return _HASHED.sub(lambda found: f"{found[0][:12]}…", str(value))


def _arrival(row: Row, body: bytes) -> Arrival:
    return Arrival(row, shown(_laid_out(body)), _verdict(row))


def _laid_out(body: bytes) -> str:
    """JSON for reading; anything else as it is."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _verdict(row: Row) -> str:
    if row["polled"]:
        return "Not signed: the hub asked for it itself, over its own connection."
    signed = [name for name in row["headers"] if any(word in name for word in _SIGNATURES)]
    kept = f"Its signature is in {', '.join(signed)}." if signed else "No header of a signature was kept with it."
    return (
        f"It was stored because the connection {row['connection']} had found it genuine; what it refuses is not. {kept}"
    )


def _step(part: str, one: Row) -> Row:
    http = one.get("http")
    command = f"GET {http['url']} answers {http['status']}" if http else shlex.join(one["run"])
    return {"part": "step" if part == "steps" else part, "command": command, **one}


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
