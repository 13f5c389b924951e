"""Polling: the log for what changed, the incidents for what was opened, a slice of time after the other.

PagerDuty gives no record beyond the ten thousandth of a query ("Pagination"), and the log newest first. So a window is
read in slices, oldest slice first, each small enough to be paged through; only at a slice's end is all before it here.
A slice that holds too much is halved, down to a second, as PagerDuty's own client does: more than ten thousand entries
of one second can't be read by anybody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from firstline.connector import Delivery, Page, Window
from firstline.errors import Rejected, Unavailable
from firstline_pagerduty import polled
from firstline_pagerduty.record import moment
from firstline_pagerduty.rest import Answer
from firstline_pagerduty.settings import PagerDutySettings

PAGE = 100  # "Pagination": no page is longer
LAST = 10_000  # "Pagination": offset and limit together may not pass it
ENTRIES = 1_000  # of the log in a slice: what is read again when a poll is cut short
LONGEST = timedelta(days=180)  # "List incidents", since: at most six months
SECOND = timedelta(seconds=1)

Row = dict[str, Any]


class Reader(Protocol):
    async def read(self, path: str, **params: Any) -> Answer: ...


@dataclass(frozen=True)
class Source:
    """Where rows come from, how many a slice may hold, and what becomes of them."""

    name: str
    params: dict[str, Any]
    most: int
    counts: bool
    wants: Callable[[Row], bool]
    deliver: Callable[[str, Row, datetime | None], Delivery]


class Place(BaseModel):
    """How far a poll is: the slice in hand, how much of it was read, and the window's end."""

    model_config = ConfigDict(frozen=True)

    since: AwareDatetime
    until: AwareDatetime
    end: AwareDatetime | None = None  # None: not known before PagerDuty's first answer
    now: AwareDatetime | None = None  # by PagerDuty's clock, when the poll began
    offset: int = 0
    few: bool = False  # the slice holds so little that the next may be longer
    total: int | None = None


async def poll(rest: Reader, settings: PagerDutySettings, connection: str, window: Window, page: str) -> Page:
    source = _log(settings) if window.by == "changed" else _incidents(settings)
    place = _resume(page) if page else _begin(window)
    answer, place = await _ask(rest, source, place)
    rows = _rows(answer, source.name)
    if place.total is not None:
        place = _but(place, total=place.total - sum(not _within(row, window) for row in rows))
    following = _following(place, bool(answer.content.get("more")))
    over = following is None or following.offset == 0
    brought = [row for row in rows if _between(row, place.since, place.until) and source.wants(row)]
    return Page(
        deliveries=tuple(source.deliver(connection, row, answer.at) for row in brought),
        next=following.model_dump_json() if following else "",
        complete_to=min(place.until, place.now) if over and place.now else None,
        total=place.total,
    )


def _log(settings: PagerDutySettings) -> Source:
    """The log can't be asked for one service's entries, so those of others are left out here."""
    params: dict[str, Any] = {"include__": ["incidents"]} | _team(settings)

    def wanted(entry: Row) -> bool:
        service = settings.service_id
        return polled.is_change(entry) and (not service or service in _services(entry))

    return Source("log_entries", params, ENTRIES, False, wanted, polled.of_entry)


def _incidents(settings: PagerDutySettings) -> Source:
    params: dict[str, Any] = {
        "statuses__": ["triggered", "acknowledged", "resolved"],
        "sort_by": "created_at:asc,incident_number:asc",
    } | _team(settings)
    if settings.service_id:
        params["service_ids__"] = [settings.service_id]
    return Source("incidents", params, LAST, True, lambda _: True, polled.of_incident)


def _team(settings: PagerDutySettings) -> dict[str, Any]:
    return {"team_ids__": [settings.team_id]} if settings.team_id else {}


def _services(entry: Row) -> set[str]:
    incident = entry.get("incident")
    services = (entry.get("service"), incident.get("service") if isinstance(incident, dict) else None)
    return {str(service.get("id")) for service in services if isinstance(service, dict)}


def _begin(window: Window) -> Place:
    """In whole seconds, as PagerDuty's records have them."""
    since = window.since.astimezone(UTC).replace(microsecond=0)
    end = _ceil(window.until.astimezone(UTC)) if window.until else None
    return Place(since=since, until=min(since + LONGEST, end or since + LONGEST), end=end)


def _resume(page: str) -> Place:
    try:
        return Place.model_validate_json(page)
    except ValidationError as error:
        raise Rejected(f"{page[:100]!r} is no page of a poll") from error


async def _ask(rest: Reader, source: Source, place: Place) -> tuple[Answer, Place]:
    """The next page; on a slice's first, its size is looked at, and it is halved until it is small enough."""
    while True:
        answer = await rest.read(
            f"/{source.name}",
            since=_iso(place.since - SECOND),  # whether PagerDuty's `since` is part of the range is not written
            until=_iso(place.until),
            time_zone="UTC",
            limit=min(PAGE, LAST - place.offset),
            offset=place.offset,
            total="true" if place.offset == 0 else "false",
            **source.params,
        )
        if place.offset:
            return answer, place
        place, total = _placed(place, answer, source)
        if total <= source.most or place.until - place.since <= SECOND:
            return answer, _but(place, few=total * 4 < source.most)
        place = _but(place, until=place.since + _half(min(place.until, place.end or place.until) - place.since))


def _placed(place: Place, answer: Answer, source: Source) -> tuple[Place, int]:
    """With what the first answer tells: PagerDuty's time, and how many there are in the window."""
    total = answer.content.get("total")
    total = total if isinstance(total, int) else 0
    if place.now:
        return place, total
    if answer.at is None:
        raise Unavailable(f"GET /{source.name} answered without a Date: how far a poll came can't be told")
    end = place.end or answer.at + SECOND
    whole = source.counts and place.until >= end
    return _but(place, now=answer.at, end=end, total=total if whole else None), total


def _following(place: Place, more: bool) -> Place | None:
    end = place.end or place.until
    if more and place.offset + PAGE < LAST:
        return _but(place, offset=place.offset + PAGE)
    if place.until >= end:
        return None
    length = min((place.until - place.since) * (2 if place.few else 1), LONGEST)
    return _but(place, since=place.until, until=min(place.until + length, end), offset=0)


def _rows(answer: Answer, name: str) -> list[Row]:
    rows = answer.content.get(name)
    if not isinstance(rows, list):
        raise Rejected(f"PagerDuty's answer has no list of {name}")
    return [row for row in rows if isinstance(row, dict)]


def _within(row: Row, window: Window) -> bool:
    start = _begin(window)
    return _between(row, start.since, start.end)


def _between(row: Row, since: datetime, until: datetime | None) -> bool:
    """A row without a time is let through: it is looked at, and parked, when it is translated."""
    at = moment(row.get("created_at"))
    return at is None or (since <= at and (until is None or at < until))


def _but(place: Place, **changes: Any) -> Place:
    return place.model_copy(update=changes)


def _half(length: timedelta) -> timedelta:
    return max(SECOND, timedelta(seconds=length // SECOND // 2))


def _ceil(at: datetime) -> datetime:
    return at if at.microsecond == 0 else at.replace(microsecond=0) + SECOND


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
