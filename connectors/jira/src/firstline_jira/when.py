"""Jira's own time, and times as JQL writes them: to the minute, in the time zone of the account that asks. Pure."""

from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from firstline.errors import Rejected

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def told(date: str) -> datetime | None:
    """A `Date` header's time; None when it is none."""
    try:
        found = parsedate_to_datetime(date)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def zone(name: str) -> tzinfo:
    """The zone of an account, as `myself` names it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Rejected(f"the account's time zone is {name!r}, which is none that is known here") from error


def not_before(when: datetime, where: tzinfo) -> str:
    """For `>=`: the minute it is in, or an earlier one. When the clocks go back an hour is there twice, and which of
    the two Jira means isn't documented: an hour is added."""
    local = when.astimezone(where).replace(second=0, microsecond=0)
    return _written(local - HOUR if _is_twice(local) else local)


def before(when: datetime, where: tzinfo) -> str:
    """For `<`: the minute after it, or a later one."""
    local = (when + MINUTE).astimezone(where).replace(second=0, microsecond=0)
    return _written(local + HOUR if _is_twice(local) else local)


def _is_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _written(local: datetime) -> str:
    return local.strftime("%Y-%m-%d %H:%M")
