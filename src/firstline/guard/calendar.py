"""Reads freezes and maintenance windows from the text of an iCalendar file (RFC 5545). What is not understood is a
fault with its line: nobody knows what it would have forbidden."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar

from firstline.guard.content import Content, Fault, scan
from firstline.guard.subject import fold
from firstline.guard.window import Kind, Window

Component = Any  # the library gives each property as one of thirty types; which one, its name says

MAINTENANCE = "maintenance"  # begins the name of a file, or stands among an event's categories
FREEZE = "freeze"
_ITEMS = re.compile(r"^[ \t]*items:(.*)$", re.IGNORECASE | re.MULTILINE)
_MARGIN = timedelta(days=1)  # a time without a zone is not farther from UTC
_MOST_A_DAY = 24  # repetitions; more are a mistake, and would be computed for weeks
# A mistake in any other property does not change when an event is, or what it is about.
_COUNTING = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", None)


@dataclass(frozen=True)
class Read:
    """`bound`: folded names that are changed in maintenance windows only; an empty one stands for everything."""

    windows: tuple[Window, ...] = ()
    bound: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()  # as `file:line: what is wrong`


def read(raw: bytes, file: str, since: datetime, until: datetime) -> Read:
    """The windows of a file that touch this time. With a fault in it nothing else of it counts."""
    try:
        content = scan(raw)
        found = [each for calendar in _calendars(content) for each in _read(calendar, content, file, since, until)]
    except Fault as fault:
        return Read(faults=(f"{file}:{fault.line}: {fault}",))
    windows = tuple(each for each in found if isinstance(each, Window))
    return Read(windows, frozenset(each for each in found if isinstance(each, str)))


def _calendars(content: Content) -> list[Component]:
    try:
        return list(Calendar.from_ical(content.text, multiple=True))
    except (ValueError, KeyError, IndexError) as error:
        raise Fault(1, f"no iCalendar: {error}") from error


def _read(calendar: Component, content: Content, file: str, since: datetime, until: datetime) -> Iterator[Window | str]:
    """Windows, and the names that are bound to maintenance windows."""
    zone = _zone(calendar)
    lines: dict[str, dict[str, int]] = {}
    for event in calendar.walk("VEVENT"):
        where = content.events.pop(0)
        lines.setdefault(str(event.get("UID", "")), where)
        _look(event, where, zone)
        if _kind(event, where, file) == MAINTENANCE and not _canceled(event):
            yield from _items(event, where) or ("",)
    for found in _occurrences(calendar, since - _MARGIN, until + _MARGIN):
        where = lines.get(str(found.get("UID", "")), {})
        start, end = _times(found, where, zone)
        if not _canceled(found) and start < until and since < end:
            place = f"{file}:{_line(where, 'BEGIN')}"
            kind, items = _kind(found, where, file), frozenset(_items(found, where))
            yield Window(kind, str(found.get("SUMMARY", "")) or kind, start, end, items, place)


def _occurrences(calendar: Component, since: datetime, until: datetime) -> list[Component]:
    try:
        return list(recurring_ical_events.of(calendar).between(since, until))
    except Exception as error:  # whatever the libraries make of a file: nothing may be changed until it is mended
        raise Fault(1, f"its repetitions can't be computed: {error}") from error


def _look(event: Component, where: Mapping[str, int], zone: tzinfo) -> None:
    """Raise `Fault` for what would make it mean something else than was meant."""
    for name, message in event.errors:
        if name in _COUNTING:
            raise Fault(_line(where, name or "BEGIN"), message)
    if "DTSTART" not in event:
        raise Fault(_line(where, "BEGIN"), "the event has no start (DTSTART)")
    if event.get("RRULE") is not None:
        _look_at_rule(event, where)
    for name in {"DTSTART", "DTEND"} & set(event):
        given, moment = event[name].params.get("TZID"), event[name].dt
        if given and isinstance(moment, datetime) and moment.tzinfo is None:
            raise Fault(_line(where, name), f"no time zone is called {given!r}")
    _times(event, where, zone)


def _look_at_rule(event: Component, where: Mapping[str, int]) -> None:
    rules = event["RRULE"] if isinstance(event["RRULE"], list) else [event["RRULE"]]
    for rule in rules:
        often = 1
        for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            often *= len(rule.get(part, [])) or 1
        if {"SECONDLY", "MINUTELY"} & {str(each).upper() for each in rule.get("FREQ", [])} or often > _MOST_A_DAY:
            raise Fault(_line(where, "RRULE"), "it repeats more than once an hour")


def _times(event: Component, where: Mapping[str, int], zone: tzinfo) -> tuple[datetime, datetime]:
    start = event["DTSTART"].dt
    if "DTEND" in event:
        end = event["DTEND"].dt
    elif "DURATION" in event:
        end = start + event["DURATION"].dt
    elif isinstance(start, datetime):
        raise Fault(_line(where, "BEGIN"), "the event has no end (DTEND or DURATION)")
    else:
        end = start + timedelta(days=1)
    begins, ends = _moment(start, zone), _moment(end, zone)
    if ends <= begins:
        raise Fault(_line(where, "DTEND"), "the event ends before it begins")
    return begins, ends


def _moment(given: date, zone: tzinfo) -> datetime:
    """In UTC. A day begins at midnight of the calendar's zone; a time without a zone is of that zone too."""
    at = given if isinstance(given, datetime) else datetime.combine(given, time())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _zone(calendar: Component) -> tzinfo:
    name = str(calendar.get("X-WR-TIMEZONE", "")).strip()
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        raise Fault(1, f"no time zone is called {name!r} (X-WR-TIMEZONE)") from None


def _kind(event: Component, where: Mapping[str, int], file: str) -> Kind:
    """By its categories; where they do not say it, by the name of the file."""
    given = event.get("CATEGORIES", [])
    known = {
        str(each).strip().casefold() for one in (given if isinstance(given, list) else [given]) for each in one.cats
    }
    said = known & {MAINTENANCE, FREEZE}
    if len(said) > 1:
        raise Fault(_line(where, "CATEGORIES"), "the event is either a freeze or a maintenance window")
    by_file = file.rpartition("/")[2].casefold().startswith(MAINTENANCE)
    return "maintenance" if MAINTENANCE in said or (by_file and not said) else "freeze"


def _items(event: Component, where: Mapping[str, int]) -> tuple[str, ...]:
    """What it is about: RESOURCES, or a line `Items: ...` of its description, for calendars that know no resources."""
    given = event.get("RESOURCES", [])
    texts = [str(each) for each in (given if isinstance(given, list) else [given])]
    texts += _ITEMS.findall(str(event.get("DESCRIPTION", "")))
    names = fold(name for text in texts for name in text.split(","))
    if any(not name.isprintable() or set(name) & set("<>;") for name in names):
        raise Fault(_line(where, "RESOURCES"), f"names of items stand with commas between them, not {texts[0]!r}")
    if texts and not names:
        raise Fault(_line(where, "RESOURCES"), "it names no item: leave the line out where everything is meant")
    return names


def _canceled(event: Component) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _line(where: Mapping[str, int], name: str) -> int:
    return where.get(name, where.get("BEGIN", 1))
