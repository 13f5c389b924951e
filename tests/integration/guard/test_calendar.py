"""Calendars are read anew when they change; one that can't be read lets nothing be changed."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.guard.conftest import DAY, HOUR, NOON, World

from firstline.connector import Blackout
from firstline.remediation.hold.calendar import AHEAD, Calendars
from firstline.store.table import BLACKOUT, BlackoutRow

FREEZE = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:one
SUMMARY:{name}
DTSTART:20261123T000000Z
DTEND:20261124T000000Z
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "calendars"
    made.mkdir()
    return made


@pytest.fixture
def calendars(small: World, folder: Path) -> Calendars:
    return Calendars(folder, small.database)


def reasons(calendars: Calendars) -> list[str]:
    return [held.why for held in calendars.look(NOON).holds({"web1"}, NOON)]


def test_before_the_first_look_nothing_may_be_changed(calendars: Calendars) -> None:
    assert calendars.windows.holds((), NOON)
    assert reasons(calendars) == []


def test_a_file_that_is_saved_moved_or_taken_away_counts_at_the_next_look(calendars: Calendars, folder: Path) -> None:
    (folder / "a.ics").write_text(FREEZE.format(name="Migration"))
    assert "Migration" in reasons(calendars)[0]
    edited = folder / "edited"
    edited.write_text(FREEZE.format(name="Inventory"))
    edited.replace(folder / "a.ics")
    assert "Inventory" in reasons(calendars)[0]
    (folder / "a.ics").rename(folder / "a.txt")
    assert reasons(calendars) == []


def test_where_nothing_has_changed_nothing_is_read_again(calendars: Calendars, folder: Path) -> None:
    (folder / "a.ics").write_text(FREEZE.format(name="Migration"))
    first = calendars.look(NOON)
    assert calendars.look(NOON + HOUR) is first
    assert calendars.look(NOON + DAY + HOUR) is not first


def test_a_calendar_that_is_broken_holds_until_it_is_mended(calendars: Calendars, folder: Path) -> None:
    broken = folder / "team" / "b.ics"
    broken.parent.mkdir()
    broken.write_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\n")
    assert "calendars/team/b.ics:3" in reasons(calendars)[0]
    broken.write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    assert reasons(calendars) == []


def test_a_calendar_that_is_a_link_into_nothing_holds(calendars: Calendars, folder: Path) -> None:
    (folder / "c.ics").symlink_to("nowhere")
    assert "c.ics" in reasons(calendars)[0]


def test_what_is_not_looked_at_for_long_holds_in_the_end(calendars: Calendars) -> None:
    windows = calendars.look(NOON)
    assert not windows.holds((), NOON + AHEAD - timedelta(seconds=1))
    assert windows.holds((), NOON + AHEAD)


def blackout(**more: object) -> BlackoutRow:
    told = {"kind": "blackout", "name": "Year end", "start": NOON, "end": NOON + HOUR, **more}
    shown = Blackout.model_validate(told)
    kept = shown.model_dump(mode="json")
    return BlackoutRow(connection="servicenow", seen_at=NOON, blackout=kept, start=shown.start, end=shown.end)


def test_a_register_s_own_windows_hold_what_they_name(small: World, calendars: Calendars) -> None:
    assert reasons(calendars) == []
    small.put(blackout(items=("WEB1",)), blackout(items=("db1",), name="Patch", kind="maintenance"))
    assert ["Year end" in reason for reason in reasons(calendars)] == [True]
    assert [held.guard for held in calendars.windows.holds({"db1"}, NOON)] == []
    assert [held.guard for held in calendars.windows.holds({"db1"}, NOON + HOUR)] == ["maintenance"]
    small.do(BLACKOUT.delete())
    assert reasons(calendars) == []
