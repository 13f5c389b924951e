"""What is wrong at the end: the vendors' own records beside the hub's. Nothing, if the hub keeps its promises."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import sqlalchemy as sa
from tests.soak.stage import Stage
from tests.soak.vendor import Kept, Vendor

from firstline.incident import OPENED
from firstline.remediation.change.closing import change_key
from firstline.store.table import DECISION, DELIVERY, EVENT, REMEDIATION, WRITE_BACK

FINAL = ("outcome", "status")  # the note that says how it ended, where notes can't be edited and where they can


def wrong(stage: Stage) -> list[str]:
    """Each thing that is missing, doubled or left over, in a line."""
    return [*_left_over(stage), *(line for vendor in stage.vendors for line in _of(stage, vendor))]


def _left_over(stage: Stage) -> Iterator[str]:
    for row in stage.rows(sa.select(DELIVERY).where(DELIVERY.c.state == "parked")):  # echoes may still come in
        yield f"delivery {row.key} of {row.connection} is parked: {row.reason}"
    for row in stage.rows(sa.select(WRITE_BACK).where(WRITE_BACK.c.state.not_in(("done", "folded")))):
        yield f"{row.act} {row.key} to {row.connection} is {row.state}: {row.reason}"
    for row in stage.rows(sa.select(REMEDIATION).where(REMEDIATION.c.outcome != "proved")):
        yield f"remediation {row.id} of {row.connection} is {row.stage} {row.outcome}: {row.reason}"


def _of(stage: Stage, vendor: Vendor) -> Iterator[str]:
    state = stage.state(vendor.name)
    known = Known(stage, vendor.name)
    for incident in vendor.kept(state):
        for line in known.wrong_with(incident):
            yield f"{vendor.name} {incident.id} {incident.title!r}: {line}"
    if vendor.changes:
        wanted = Counter(known.covered.values())
        if (closed := vendor.closed_changes(state)) != wanted:
            yield f"{vendor.name}: changes missing: {wanted - closed}; too many: {closed - wanted}"


class Known:
    """What the hub knows of one connection's incidents, by their id at the vendor."""

    def __init__(self, stage: Stage, connection: str) -> None:
        self._marks = stage.marks
        self._events: defaultdict[str, list[str]] = defaultdict(list)
        opened = sa.select(EVENT).where(EVENT.c.connection == connection, EVENT.c.type == OPENED)
        for row in stage.rows(opened):
            self._events[row.event["reference"]["id"]].append(row.id)
        self._decisions = Counter(row.event_id for row in stage.rows(sa.select(DECISION)))
        self._final = _final(stage, connection)
        self._remediations: defaultdict[str, list[str]] = defaultdict(list)
        self.covered: dict[str, str] = {}  # the key of the change, by remediation
        for row in stage.rows(sa.select(REMEDIATION).where(REMEDIATION.c.connection == connection)):
            self._remediations[row.incident["reference"]["id"]].append(row.id)
            if row.change:
                self.covered[row.id] = change_key(row.id, row.plan_digest)

    def wrong_with(self, incident: Kept) -> Iterator[str]:
        events, remediations = self._events[incident.id], self._remediations[incident.id]
        yield from _unless(len(events) == 1, f"opened {len(events)} times: {events}")
        decisions = [self._decisions[event] for event in events]
        yield from _unless(decisions == [1], f"decided {decisions} times")
        yield from _unless(len(remediations) == 1, f"remediations: {remediations}")
        runs = self._runs(incident)
        yield from _unless(runs == 1, f"its runbook ran {runs} times")
        yield from _unless(incident.resolved == 1, f"resolved {incident.resolved} times")
        if remediations:
            yield from self._notes(incident, remediations[0])
            covered = remediations[0] in self.covered
            yield from _unless(covered == incident.covered, f"covered by a change: {covered}")

    def _notes(self, incident: Kept, remediation: str) -> Iterator[str]:
        doubled = [key for key, times in Counter(incident.notes).items() if times > 1]
        yield from _unless(not doubled, f"notes written more than once: {doubled}")
        strange = [key for key in incident.notes if not key.startswith(f"{remediation}.")]
        yield from _unless(not strange, f"notes of nothing that the hub knows: {strange}")
        final = incident.notes.count(self._final.get(remediation, ""))
        yield from _unless(final == 1, f"{final} notes say how it ended")

    def _runs(self, incident: Kept) -> int:
        mark = self._marks / incident.id
        return mark.read_text().count("ran") if mark.exists() else 0


def _final(stage: Stage, connection: str) -> dict[str, str]:
    """The key of the note that says how a remediation ended: a note that was not sent yet is told with an earlier one,
    under that one's key."""
    notes = sa.select(WRITE_BACK).where(WRITE_BACK.c.connection == connection, WRITE_BACK.c.act == "note")
    rows = {row.id: row for row in stage.rows(notes)}
    found: dict[str, str] = {}
    for row in rows.values():
        if row.body["key"].removeprefix(f"{row.remediation_id}.") in FINAL:
            told = row
            while told.folded_into:
                told = rows[told.folded_into]
            found[row.remediation_id] = told.body["key"]
    return found


def _unless(holds: bool, line: str) -> Iterator[str]:
    if not holds:
        yield line
