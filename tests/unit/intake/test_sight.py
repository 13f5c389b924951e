from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from firstline.incident import Event, EventType, Incident, IncidentState, Reference
from firstline.intake.sight import ECHO, Known, Seen, change, echoes, refined

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REFERENCE = Reference(connection="pd", kind="incident", id="P1")
KEY = ("pd", "incident:P1")

OPEN, ACKNOWLEDGED, RESOLVED, CLOSED = IncidentState


def event(type_: EventType = "incident.updated", state: IncidentState = OPEN, **fields: Any) -> Event:
    incident = Incident(reference=REFERENCE, state=state, version=2)
    return Event(id="P1:2", type=type_, reference=REFERENCE, occurred_at=NOW, incident=incident, **fields)


def note(key: str) -> Any:
    return SimpleNamespace(act="note", body={"key": key}, done_at=NOW)


def state(to: str, done_at: datetime | None = NOW) -> Any:
    return SimpleNamespace(act="state", body={"to": to}, done_at=done_at)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (OPEN, OPEN, "incident.updated"),
        (OPEN, ACKNOWLEDGED, "incident.acknowledged"),
        (ACKNOWLEDGED, RESOLVED, "incident.resolved"),
        (RESOLVED, CLOSED, "incident.closed"),
        (RESOLVED, ACKNOWLEDGED, "incident.reopened"),
        (CLOSED, OPEN, "incident.reopened"),
        (ACKNOWLEDGED, OPEN, "incident.updated"),
        (None, RESOLVED, "incident.resolved"),
        (None, OPEN, "incident.updated"),
    ],
)
def test_two_looks_at_a_record_tell_what_happened_between(
    before: IncidentState | None, after: IncidentState, told: EventType
) -> None:
    assert change(before, after) == told


def test_a_polled_update_is_named_by_what_was_seen_before() -> None:
    known = Known(seen={KEY: Seen(1, ACKNOWLEDGED)})
    assert refined(event(state=RESOLVED), known, polled=True).type == "incident.resolved"


def test_a_polled_update_is_named_by_what_the_same_batch_told_before() -> None:
    known = Known(seen={KEY: Seen(1, OPEN)})
    known.tell([event("incident.resolved", state=RESOLVED)])
    assert refined(event(), known, polled=True).type == "incident.reopened"


def test_an_old_row_that_is_polled_late_reopens_nothing() -> None:
    known = Known(seen={KEY: Seen(5, RESOLVED)})
    assert refined(event(), known, polled=True).type == "incident.updated"


def test_a_webhooks_update_keeps_the_vendors_word() -> None:
    known = Known(seen={KEY: Seen(1, ACKNOWLEDGED)})
    assert refined(event(state=RESOLVED), known, polled=False).type == "incident.updated"


def test_a_change_of_state_that_we_did_not_write_is_somebody_elses_though_we_saved_last() -> None:
    known = Known(seen={KEY: Seen(1, OPEN)}, written={KEY: [note("r1.outcome")]})
    told = refined(event(state=RESOLVED, own=True, actor="firstline"), known, polled=True)
    assert (told.type, told.own) == ("incident.resolved", False)


def test_a_change_of_state_that_we_wrote_is_ours() -> None:
    known = Known(seen={KEY: Seen(1, OPEN)}, written={KEY: [state("resolved")]})
    assert refined(event(state=RESOLVED, own=True, actor="firstline"), known, polled=True).own


def test_a_save_of_ours_that_changed_no_state_is_ours() -> None:
    known = Known(seen={KEY: Seen(1, OPEN)})
    assert refined(event(own=True, actor="firstline"), known, polled=True).own


def test_the_key_of_a_note_that_we_wrote_marks_an_echo() -> None:
    assert echoes(event("incident.commented", marker="r1.outcome"), [note("r1.outcome")])


def test_a_key_that_nobody_wrote_marks_nothing() -> None:
    assert not echoes(event("incident.commented", marker="r1.outcome"), [note("r2.outcome")])


def test_a_state_that_we_wrote_just_then_is_an_echo_where_nobody_is_named() -> None:
    assert echoes(event("incident.resolved"), [state("resolved")])


def test_a_write_that_is_under_way_has_its_echo_already() -> None:
    assert echoes(event("incident.resolved"), [state("resolved", None)])


def test_somebody_elses_resolution_is_no_echo_of_ours() -> None:
    assert not echoes(event("incident.resolved", actor="ada"), [state("resolved")])


def test_a_state_of_another_time_is_no_echo() -> None:
    assert not echoes(event("incident.resolved"), [state("resolved", NOW - ECHO - timedelta(seconds=1))])


def test_another_state_is_no_echo() -> None:
    assert not echoes(event("incident.reopened"), [state("resolved")])


def test_an_opening_is_never_an_echo() -> None:
    assert not echoes(event("incident.opened", marker="r1.outcome"), [note("r1.outcome"), state("acknowledged")])
