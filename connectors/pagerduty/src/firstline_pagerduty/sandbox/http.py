"""How the REST API answers: authentication, rate limit, errors, paging."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.entity import now
from firstline_pagerduty.sandbox.error import Refusal
from firstline_pagerduty.sandbox.key import Keys

WINDOW = 60.0  # seconds; "REST API Rate Limits"
DEFAULT_PAGE, LARGEST_PAGE, LAST_RECORD = 25, 100, 10_000  # "Pagination"

Endpoint = Callable[[Request], Awaitable[Any]]


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


class Gate:
    """Stands before each endpoint of the REST API."""

    def __init__(self, keys: Keys, rate_limit: int) -> None:
        self.requests: Counter[str] = Counter()
        self._keys = keys
        self._rate_limit = rate_limit
        self._window_ends = 0.0
        self._taken: Counter[str] = Counter()

    def guard(self, name: str, endpoint: Endpoint) -> Endpoint:
        """Make an endpoint that gives JSON, or a status with JSON, one that gives a response. `name` is counted."""

        async def guarded(request: Request) -> Response:
            self.requests[name] += 1
            headers: dict[str, str] = {}
            try:
                headers = self._admit(self._keys.admit(request))
                result = await endpoint(request)
            except Refusal as refusal:
                if refusal.status == 429:
                    headers = self._limits(0)
                return answer(refusal.body(), refusal.status, headers)
            status, content = result if isinstance(result, tuple) else (200, result)
            return answer(content, status, headers)

        return guarded

    def _admit(self, token: str) -> dict[str, str]:
        now = time.monotonic()
        if now >= self._window_ends:
            self._window_ends = now + WINDOW
            self._taken.clear()
        if self._taken[token] >= self._rate_limit:
            raise error.too_many()
        self._taken[token] += 1
        return self._limits(self._rate_limit - self._taken[token])

    def _limits(self, remaining: int) -> dict[str, str]:
        return {
            "ratelimit-limit": str(self._rate_limit),
            "ratelimit-remaining": str(remaining),
            "ratelimit-reset": str(max(1, round(self._window_ends - time.monotonic()))),
        }


def page(name: str, rows: Sequence[Any], request: Request, shape: Callable[[Any], Any]) -> dict[str, Any]:
    """One page of rows, with the fields of classic pagination."""
    limit = min(_number(request, "limit", DEFAULT_PAGE), LARGEST_PAGE)
    offset = _number(request, "offset", 0)
    if offset + limit > LAST_RECORD:
        raise error.invalid(f"Offset plus limit must not be greater than {LAST_RECORD}")
    return {
        name: [shape(row) for row in rows[offset : offset + limit]],
        "limit": limit,
        "offset": offset,
        "more": offset + limit < len(rows),
        "total": len(rows) if request.query_params.get("total") == "true" else None,
    }


async def body_of(request: Request, name: str, kind: type = dict) -> Any:
    """The object (or list) that a request's body wraps under its resource's name."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as problem:
        raise error.invalid("The body is not JSON") from problem
    found = body.get(name) if isinstance(body, dict) else None
    if not isinstance(found, kind):
        raise error.invalid(f"{name.capitalize()} must be {'an array' if kind is list else 'an object'}")
    return found


def span(request: Request, default: timedelta | None = None) -> tuple[datetime, datetime]:
    """The `since` (included) and `until` (excluded) that a request asks for. Without `since`, as far back as the
    default, or for ever."""
    until = _moment(request, "until") or datetime.max.replace(tzinfo=UTC)
    begin = datetime.min.replace(tzinfo=UTC)
    since = _moment(request, "since") or (now() - default if default else begin)
    return since, until


def chosen(request: Request, name: str, allowed: Collection[str]) -> set[str]:
    """The values of an array parameter, all of them allowed."""
    values = set(request.query_params.getlist(name))
    if not values <= set(allowed):
        raise error.invalid(f"{name.capitalize()} must be among {', '.join(sorted(allowed))}")
    return values


def _moment(request: Request, name: str) -> datetime | None:
    value = request.query_params.get(name, "")
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as problem:
        raise error.invalid(f"{name.capitalize()} is not a date and time") from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, "")
    if not value:
        return default
    if not value.isdigit():
        raise error.invalid(f"{name.capitalize()} must be a whole number")
    return int(value)
