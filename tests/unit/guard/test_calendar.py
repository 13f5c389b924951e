"""What operators' calendars say; and what can't be read holds everything, with file and line."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.guard.case import DAY, HOUR

from firstline.guard.calendar import Read, read

SINCE = datetime(2026, 12, 1, tzinfo=UTC)
UNTIL = SINCE + DAY * 60
START, END = "DTSTART:20261220T100000Z", "DTEND:20261220T120000Z"


def event(*lines: str) -> tuple[str, ...]:
    return ("BEGIN:VEVENT", "UID:one", *lines, "END:VEVENT")


def calendar(*lines: str, file: str = "calendars/ops.ics") -> Read:
    whole = ("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", "")
    return read("\r\n".join(whole).encode(), file, SINCE, UNTIL)


def times(found: Read) -> list[tuple[datetime, datetime]]:
    assert not found.faults
    return sorted((each.start, each.end) for each in found.windows)


def at(day: int, hour: int, minute: int = 0, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_an_event_is_a_freeze_of_everything_unless_it_says_more() -> None:
    [window] = calendar(*event("SUMMARY:Christmas", START, END)).windows
    assert (window.kind, window.name, window.items) == ("freeze", "Christmas", frozenset())
    assert (window.start, window.end) == (at(20, 10), at(20, 12))
    assert window.place == "calendars/ops.ics:3"


def test_its_categories_or_else_its_file_say_that_it_is_a_maintenance_window() -> None:
    by_category = calendar(*event("CATEGORIES:Work,Maintenance", START, END))
    by_file = calendar(*event(START, END), file="calendars/maintenance-db.ics")
    of_both = calendar(*event("CATEGORIES:Freeze", START, END), file="calendars/maintenance-db.ics")
    assert [found.windows[0].kind for found in (by_category, by_file, of_both)] == [
        "maintenance",
        "maintenance",
        "freeze",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "RESOURCES:Web1,web2",
        "RESOURCES:web1\r\nRESOURCES:WEB2",
        "DESCRIPTION:Patches.\\nItems: web1\\, web2\\nAsk Ann.",
        "DESCRIPTION:items: web1\\, we\r\n b2",
    ],
)
def test_it_names_what_it_is_about(line: str) -> None:
    assert calendar(*event(START, END, line)).windows[0].items == {"web1", "web2"}


def test_a_place_of_work_does_not_narrow_a_freeze() -> None:
    assert calendar(*event(START, END, "LOCATION:Berlin")).windows[0].items == frozenset()


def test_days_and_times_without_a_zone_are_of_the_calendar_s_zone() -> None:
    days = event("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227")
    clock = event("DTSTART:20261224T080000", "DTEND:20261224T100000")
    assert times(calendar(*days)) == [(at(24, 0), at(27, 0))]
    assert times(calendar("X-WR-TIMEZONE:Europe/Berlin", *days)) == [(at(23, 23), at(26, 23))]
    assert times(calendar("X-WR-TIMEZONE:Europe/Berlin", *clock)) == [(at(24, 7), at(24, 9))]


def test_a_day_alone_lasts_a_day() -> None:
    assert times(calendar(*event("DTSTART;VALUE=DATE:20261224"))) == [(at(24, 0), at(25, 0))]


def test_what_repeats_keeps_the_clock_of_its_zone_through_summer_time() -> None:
    lines = event("DTSTART;TZID=Europe/Berlin:20261017T220000", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=3")
    whole = "\r\n".join(("BEGIN:VCALENDAR", *lines, "END:VCALENDAR"))
    found = read(whole.encode(), "x.ics", at(1, 0, month=10), at(30, 0, month=11))
    assert [start for start, _ in times(found)] == [at(17, 20, month=10), at(24, 20, month=10), at(31, 21, month=10)]


def test_exceptions_moved_and_called_off_occurrences_count() -> None:
    found = calendar(
        *event(
            "DTSTART:20261201T100000Z", "DTEND:20261201T110000Z", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20261202T100000Z"
        ),
        *event("RECURRENCE-ID:20261203T100000Z", "DTSTART:20261210T100000Z", "DTEND:20261210T110000Z"),
        *event("RECURRENCE-ID:20261204T100000Z", START, END, "STATUS:CANCELLED"),
    )
    assert [start for start, _ in times(found)] == [at(1, 10), at(10, 10)]


def test_an_event_that_was_called_off_holds_nothing() -> None:
    assert calendar(*event(START, END, "STATUS:CANCELLED")).windows == ()
    assert not calendar(*event(START, END, "STATUS:CANCELLED", "CATEGORIES:MAINTENANCE")).bound


def test_a_freeze_that_began_long_ago_and_goes_on_is_found() -> None:
    assert times(calendar(*event("DTSTART:20200101T000000Z", "DTEND:20300101T000000Z")))


def test_a_name_stays_bound_to_maintenance_windows_when_the_last_is_long_over() -> None:
    over = event("DTSTART:20250101T000000Z", "DTEND:20250101T020000Z", "CATEGORIES:MAINTENANCE", "RESOURCES:db1")
    assert not calendar(*over).windows
    assert calendar(*over).bound == {"db1"}


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ((START,), 3, "has no end"),
        ((END,), 3, "has no start"),
        (("DTSTART:20261220T100000Z", "DTEND:20261219T100000Z"), 6, "ends before it begins"),
        (("DTSTART:20401220T100000Z",), 3, "has no end"),
        (("DTSTART:2026-12-20", END), 5, "Expected"),
        (("DTSTART;TZID=Nowhere/Land:20261220T100000", END), 5, "no time zone is called 'Nowhere/Land'"),
        ((START, END, "RRULE:FREQ=OFTEN"), 7, "Expected frequency"),
        ((START, END, "RRULE:FREQ=SECONDLY"), 7, "more than once an hour"),
        ((START, END, "RRULE:FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(60)))), 7, "more than once an hour"),
        ((START, END, "CATEGORIES:FREEZE,MAINTENANCE"), 7, "either a freeze or a maintenance window"),
        ((START, END, "RESOURCES:"), 7, "names no item"),
        ((START, END, "RESOURCES:web1<br>"), 7, "names of items"),
        ((START, END, "what is this"), 7, "no line of a calendar"),
    ],
)
def test_an_event_that_can_not_be_taken_as_it_stands_is_a_fault(lines: tuple[str, ...], place: int, words: str) -> None:
    found = calendar(*event(*lines))
    assert found.windows == ()
    [fault] = found.faults
    assert fault.startswith(f"calendars/ops.ics:{place}: ")
    assert words in fault


@pytest.mark.parametrize(
    ("raw", "place", "words"),
    [
        (b"", 1, "it is empty"),
        (b"\xff\xfe", 1, "not UTF-8"),
        (b"Freeze until Monday!", 1, "no line of a calendar"),
        (b"BEGIN:VEVENT\nEND:VEVENT\n", 1, "a calendar begins with"),
        (b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", 3, "breaks off within VEVENT"),
        (b"BEGIN:VCALENDAR\nEND:VEVENT\n", 2, "ends nothing that is open"),
        (b"BEGIN:VCALENDAR\nX-WR-TIMEZONE:Nowhere\nEND:VCALENDAR\n", 1, "no time zone is called 'Nowhere'"),
    ],
)
def test_a_file_that_is_no_whole_calendar_is_a_fault(raw: bytes, place: int, words: str) -> None:
    [fault] = read(raw, "x.ics", SINCE, UNTIL).faults
    assert fault.startswith(f"x.ics:{place}: ")
    assert words in fault


def test_a_mistake_in_what_does_not_say_when_or_what_is_no_fault() -> None:
    assert times(calendar(*event(START, END, "GEO:somewhere", "PRIORITY:very"))) == [(at(20, 10), at(20, 12))]


def test_a_calendar_without_events_is_sound() -> None:
    assert calendar() == Read()


zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])


@given(
    zones,
    st.datetimes(datetime(2026, 11, 1), datetime(2027, 3, 1)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=40)),
)
def test_what_another_program_writes_is_read_as_it_was_meant(zone: str, start: datetime, length: timedelta) -> None:
    begins = start.replace(microsecond=0, tzinfo=ZoneInfo(zone))
    ends = (begins.astimezone(UTC) + timedelta(seconds=int(length.total_seconds()))).astimezone(ZoneInfo(zone))
    made = icalendar.Event()
    made.add("uid", "one")
    made.add("dtstart", begins)
    made.add("dtend", ends)
    whole = icalendar.Calendar()
    whole.add_component(made)
    found = read(whole.to_ical(), "x.ics", SINCE, UNTIL)
    touches = begins < UNTIL and ends > SINCE
    assert times(found) == ([(begins.astimezone(UTC), ends.astimezone(UTC))] if touches else [])


@given(st.dates(date(2026, 11, 25), date(2027, 2, 5)), st.integers(1, 10))
def test_days_are_whole_days(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    found = calendar(*event(f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{last:%Y%m%d}"))
    assert all(end - start == DAY * days for start, end in times(found))


@given(st.binary(max_size=200))
def test_nothing_that_is_read_breaks_the_reader(raw: bytes) -> None:
    found = read(b"BEGIN:VCALENDAR\n" + raw + b"\nEND:VCALENDAR\n", "x.ics", SINCE, SINCE + HOUR)
    assert found.faults or not found.windows
