"""Reads what the instance says of its request limit. Pure.

Inbound REST API rate limiting: `X-RateLimit-Limit` is the requests an hour that the account may make by the rule that
fits it, `X-RateLimit-Reset` the UNIX time at which the hour ends. How many are left is not told; without a rule there
are no headers."""

from collections.abc import Mapping

from firstline.meter import Quota, moment_of

HOUR = 3600.0  # seconds


def quota(headers: Mapping[str, str]) -> Quota | None:
    limit = headers.get("X-RateLimit-Limit", "").strip()
    if not limit.isdigit():
        return None
    return Quota(limit=int(limit), window=HOUR, resets_at=moment_of(headers.get("X-RateLimit-Reset", "")))
