"""When a schedule's entries are. Pure.

An entry (cmn_schedule_span) has a first start and end, written `20261224T180000` in the schedule's time zone or
`20261224T180000Z` in UTC, and repeats in local time (ServiceNow, "Schedule entry fields"). Days of the week count from
Monday, 1."""

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from firstline.errors import Rejected
from firstline_servicenow.record import Record, value

TIMES = ("start_date_time", "end_date_time", "all_day")
REPETITION = ("repeat_type", "repeat_count", "repeat_until", "days_of_week", "monthly_type", "yearly_type")
FIELDS = ("schedule", "name", "type", *TIMES, *REPETITION)
EXCLUDED = ("exclude", "excluded")  # types of entries that take their time out of the schedule

Span = tuple[datetime, datetime]
DAY = timedelta(days=1)
_PATTERNS = {"weekdays": "12345", "weekends": "67", "weekMWF": "135", "weekTT": "24"}
_ONCE = ("", "NULL_OVERRIDE")


@dataclass(frozen=True)
class Entry:
    """`start` and `end` are local times without a zone. `falls` says whether it begins on a day."""

    start: datetime
    end: datetime
    until: date | None
    falls: Callable[[date], bool]


def spans(entries: Sequence[Record], zone_name: str, since: datetime, until: datetime) -> list[Span]:
    """When the schedule is on between the two times, in UTC, oldest first; what its entries exclude is taken out."""
    zone = _zone(zone_name)
    on: list[Span] = []
    off: list[Span] = []
    for row in entries:
        (off if value(row, "type") in EXCLUDED else on).extend(_occurrences(_entry(row, zone), zone, since, until))
    for hole in off:
        on = [part for span in on for part in _without(span, hole)]
    return sorted(on)


def _occurrences(entry: Entry, zone: tzinfo, since: datetime, until: datetime) -> Iterator[Span]:
    lasts = entry.end - entry.start
    day = max(entry.start.date(), since.astimezone(zone).date() - lasts - DAY)
    last = min(until.astimezone(zone).date(), entry.until or date.max)
    while day <= last:
        if entry.falls(day):
            begins = datetime.combine(day, entry.start.time())
            start, end = (at.replace(tzinfo=zone).astimezone(UTC) for at in (begins, begins + lasts))
            if start < until and end > since:
                yield start, end
        day += DAY


def _entry(row: Record, zone: tzinfo) -> Entry:
    start, end = (_local(row, name, zone) for name in ("start_date_time", "end_date_time"))
    if end.time() == time(23, 59, 59):
        end += timedelta(seconds=1)
    if value(row, "all_day") == "true":
        start = datetime.combine(start.date(), time.min)
        end = end if end.time() == time.min and end > start else datetime.combine(end.date() + DAY, time.min)
    ends = value(row, "repeat_until").strip("0-")
    until = _date(row, "repeat_until") if ends else None
    return Entry(start, end, until, _rule(row, start.date()))


def _rule(row: Record, first: date) -> Callable[[date], bool]:
    """On which days from the first on it begins. Raises `Rejected` for a repetition that is not known: a freeze that
    can't be computed must not pass for none."""
    kind, every = value(row, "repeat_type"), int(value(row, "repeat_count") or 1) or 1
    days = "".join(digit for digit in value(row, "days_of_week") if digit in "1234567")
    if kind in _ONCE:
        return lambda day: day == first
    if kind == "daily":
        return lambda day: (day - first).days % every == 0
    if kind in _PATTERNS or kind == "specific":
        return lambda day: str(day.isoweekday()) in _PATTERNS.get(kind, days)
    if kind == "weekly":
        return lambda day: (
            _weeks(first, day) % every == 0 and str(day.isoweekday()) in (days or str(first.isoweekday()))
        )
    if kind == "monthly" and value(row, "monthly_type") in ("", *_MONTHLY):
        same = _MONTHLY[value(row, "monthly_type") or "dom"]
        return lambda day: _months(first, day) % every == 0 and same(first, day)
    if kind == "yearly" and value(row, "yearly_type") in ("", "doy"):
        return lambda day: (day.year - first.year) % every == 0 and (day.month, day.day) == (first.month, first.day)
    types = " ".join(filter(None, (kind, value(row, "monthly_type"), value(row, "yearly_type"))))
    raise Rejected(
        f"schedule entry {value(row, 'name')!r}: its repetition ({types}) can't be computed. Enter its days one by one"
    )


def _weeks(first: date, day: date) -> int:
    return (day - (first - timedelta(days=first.weekday()))).days // 7


def _months(first: date, day: date) -> int:
    return (day.year - first.year) * 12 + day.month - first.month


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


_MONTHLY: dict[str, Callable[[date, date], bool]] = {
    "dom": lambda first, day: day.day == first.day,
    "ldom": lambda _, day: day.day == _last_day(day),
    "dow": lambda first, day: day.weekday() == first.weekday() and (day.day - 1) // 7 == (first.day - 1) // 7,
    "ldow": lambda first, day: day.weekday() == first.weekday() and day.day + 7 > _last_day(day),
}


def _local(row: Record, name: str, zone: tzinfo) -> datetime:
    text = value(row, name)
    digits = "".join(character for character in text if character.isdigit())
    try:
        read = datetime.strptime(digits, "%Y%m%d%H%M%S")
    except ValueError:
        raise Rejected(f"schedule entry {value(row, 'name')!r}: {name} {text[:40]!r} is no time") from None
    return read.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) if text.endswith("Z") else read


def _date(row: Record, name: str) -> date:
    digits = "".join(character for character in value(row, name) if character.isdigit())[:8]
    try:
        return date.fromisoformat(digits)
    except ValueError:
        raise Rejected(f"schedule entry {value(row, 'name')!r}: {name} {digits!r} is no date") from None


def _zone(name: str) -> tzinfo:
    """A schedule without a zone floats: it is in that of the account, which is GMT."""
    if name.casefold() in ("", "floating", "gmt", "utc"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise Rejected(f"time zone {name[:40]!r} of a schedule is not known") from None


def _without(span: Span, hole: Span) -> Iterator[Span]:
    if hole[0] >= span[1] or hole[1] <= span[0]:
        yield span
        return
    if span[0] < hole[0]:
        yield span[0], hole[0]
    if hole[1] < span[1]:
        yield hole[1], span[1]
