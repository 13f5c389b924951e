"""What Jira tells of its limits in an answer's headers. Pure.

Cloud counts points an hour (`RateLimit-Policy: "tenant-app-quota";q=65000;w=3600`, `RateLimit: ...;r=1200;t=600`,
where `r` is left out while more than a fifth remains) and requests a second for each endpoint (`X-RateLimit-*`); the
latter say nothing of what a connection may do in all, and a 429 names its own wait. Data Center has one bucket for an
account: `X-RateLimit-Limit` tokens at most, `-FillRate` new ones each `-Interval-Seconds`.
Sources: Atlassian, "Rate limiting" (Jira Cloud); "Improving instance stability with rate limiting" (Data Center)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from firstline.meter import Quota

HOUR = 3600.0

_ENTRY = re.compile(r'"([^"]*)"((?:\s*;\s*\w+=\d+)*)')
_PAIR = re.compile(r"(\w+)=(\d+)")


def quota(headers: Mapping[str, str]) -> Quota | None:
    """None: the answer tells of none."""
    known = {name.lower(): value for name, value in headers.items()}
    if "x-ratelimit-interval-seconds" in known:
        return _bucket(known)
    return _policy(known) or _exhausted(known)


def _bucket(headers: Mapping[str, str]) -> Quota | None:
    limit, remaining, interval, rate = (
        _number(headers.get(f"x-ratelimit-{name}", ""))
        for name in ("limit", "remaining", "interval-seconds", "fillrate")
    )
    if limit is None or not interval or not rate:
        return None
    return Quota(limit=limit, remaining=remaining, window=interval * limit / rate)


def _policy(headers: Mapping[str, str]) -> Quota | None:
    """The narrowest of the quotas by the hour."""
    standing = _entries(headers.get("ratelimit", ""))
    found = []
    for name, policy in _entries(headers.get("ratelimit-policy", "")).items():
        if policy.get("w", 0) < HOUR or "q" not in policy:
            continue
        now = standing.get(name, {})
        resets = datetime.now(UTC) + timedelta(seconds=now["t"]) if "t" in now else None
        found.append(Quota(limit=policy["q"], remaining=now.get("r"), window=float(policy["w"]), resets_at=resets))
    return min(found, key=lambda one: (one.remaining is None, one.remaining or 0, one.limit or 0), default=None)


def _exhausted(headers: Mapping[str, str]) -> Quota | None:
    """A 429 for an hour's quota, in the older headers."""
    if "quota" not in headers.get("ratelimit-reason", ""):
        return None
    limit = _number(headers.get("x-ratelimit-limit", ""))
    return Quota(limit=limit, remaining=0, window=HOUR, resets_at=_moment(headers.get("x-ratelimit-reset", "")))


def _entries(value: str) -> dict[str, dict[str, int]]:
    return {name: {key: int(n) for key, n in _PAIR.findall(pairs)} for name, pairs in _ENTRY.findall(value)}


def _number(value: str) -> int | None:
    return int(value) if value.strip().isdigit() else None


def _moment(value: str) -> datetime | None:
    """Seconds may be left out: 2026-03-26T16:00Z."""
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return found if found.tzinfo else None
