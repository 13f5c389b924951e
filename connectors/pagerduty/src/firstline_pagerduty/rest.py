"""PagerDuty's REST API v2, through PagerDuty's own client. The only module that knows that client."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from httpx2 import Limits, Request, RequestError, Response, Timeout
from pagerduty import Error, RestApiV2Client

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.http import CONNECT_TIMEOUT, error_for
from firstline.meter import Meter, Quota
from firstline_pagerduty.settings import PagerDutySettings
from firstline_pagerduty.signin import sign_in

# The client blocks, so each request under way holds a thread. PagerDuty asks for requests one after another ("REST API
# Rate Limits", Best practices); a few at a time keep one slow answer from holding up the rest.
CONCURRENCY = 4
WINDOW = 60.0  # seconds; "REST API Rate Limits"

JSON = {"Content-Type": "application/json"}


class Refused(Rejected):
    """PagerDuty's no, with the HTTP status. `code` is its own ("Errors", PagerDuty Error Codes), 0 if it gave none."""

    def __init__(self, message: str, status: int, code: int) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Answer:
    """A JSON object, and when PagerDuty gave it by its own clock; None if it did not say."""

    content: dict[str, Any]
    at: datetime | None


class Rest:
    """One connection's requests. Paths begin with `/`. Each method returns the answer's JSON object; it raises
    `Unavailable`, `Unauthorized` or `Refused`, and never repeats a request that may have been carried out."""

    def __init__(self, settings: PagerDutySettings, meter: Meter) -> None:
        self.quota: Quota | None = None  # PagerDuty's last word
        self._meter = meter
        self._sign_in = sign_in(settings, meter)
        self._limiter = CapacityLimiter(CONCURRENCY)
        self._client = _Client(
            "",
            auth_type="header_passthru",
            default_from=settings.from_email,
            trust_env=False,
            limits=Limits(max_connections=CONCURRENCY),
            event_hooks={"request": [self._count], "response": [self._learn]},
        )
        self._client.timeout = Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout))  # type: ignore[assignment]
        # The client's setter refuses http://, which the settings allow on this machine alone.
        self._client._url = settings.base_url

    async def read(self, path: str, **params: Any) -> Answer:
        return await self._send("GET", path, params={_plural(name): value for name, value in params.items()})

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        return (await self.read(path, **params)).content

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return (await self._send("POST", path, json=dict(body))).content

    async def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return (await self._send("PUT", path, json=dict(body))).content

    async def aclose(self) -> None:
        self._client.close()
        await self._sign_in.aclose()

    async def _send(self, method: str, path: str, **options: Any) -> Answer:
        """An app's token that was refused (it may have been revoked before its time) is replaced once: who is not
        signed in has changed nothing."""
        header = await self._sign_in.header()
        try:
            return await self._attempt(header, method, path, **options)
        except Unauthorized:
            if not self._sign_in.renew(header):
                raise
        return await self._attempt(await self._sign_in.header(), method, path, **options)

    async def _attempt(self, header: str, method: str, path: str, **options: Any) -> Answer:
        send = partial(self._client.request, method, path, headers={"Authorization": header}, **options)
        try:
            response: Response = await to_thread.run_sync(send, limiter=self._limiter)
        except (
            Error,
            RequestError,
        ) as error:  # the client wraps what broke the connection, not what garbled the answer
            cause = error.__cause__ or error
            raise Unavailable(f"{method} {path}: {type(cause).__name__}: {cause}") from error
        return Answer(_object(response, f"{method} {path}"), moment_of(response.headers.get("date", "")))

    def _count(self, _: Request) -> None:
        self._meter.sent()

    def _learn(self, response: Response) -> None:
        if told := quota(response.headers):
            self.quota = told
            self._meter.told(told)


class _Client(RestApiV2Client):
    """Never repeats a request: whether to try again is the hub's to say. Left to itself the client repeats a POST whose
    connection broke, and anything answered 429, for ever."""

    max_network_attempts = 0

    def prepare_headers(self, method: str, user_headers: dict[str, str] | None = None) -> dict[str, str]:
        """The schema requires a content type of reads too; the sign-in is ours."""
        headers: dict[str, str] = super().prepare_headers(method, JSON | (user_headers or {}))
        headers.update(user_headers or {})
        return headers

    def postprocess(self, response: Response, suffix: str | None = None) -> None:  # noqa: ARG002 - the client's signature
        """Called by the client with each answer, before it thinks of repeating: here a refusal leaves the loop."""
        if not response.is_success:
            raise _error(response)


def quota(headers: Mapping[str, str]) -> Quota | None:
    """What an answer's headers tell of the limit; None: nothing ("REST API Rate Limits", Rate limit headers)."""
    limit, remaining, reset = (_number(headers.get(f"ratelimit-{name}")) for name in ("limit", "remaining", "reset"))
    if limit is None and remaining is None:
        return None
    resets_at = None if reset is None else datetime.now(UTC) + timedelta(seconds=reset)
    return Quota(limit, remaining, WINDOW, resets_at)


def moment_of(date: str) -> datetime | None:
    """A `Date` header's time in UTC, whole seconds; None when there is none."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isdigit() else None


def _error(response: Response) -> FirstlineError:
    headers = dict(response.headers)
    if response.status_code == 429 and "ratelimit-reset" in headers:
        headers.setdefault("retry-after", headers["ratelimit-reset"])  # "REST API Rate Limits": seconds until the reset
    what = f"{response.request.method} {response.request.url.path}"
    error = error_for(response.status_code, response.text, headers, what)
    return Refused(str(error), response.status_code, _code(response)) if isinstance(error, Rejected) else error


def _code(response: Response) -> int:
    try:
        code = orjson.loads(response.content)["error"]["code"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 0
    return code if isinstance(code, int) else 0


def _object(response: Response, what: str) -> dict[str, Any]:
    """A page where JSON should be is a proxy's or a maintenance page's: it passes."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{what} answered {response.status_code} without JSON") from error
    if not isinstance(answer, dict):
        raise Unavailable(f"{what} answered {response.status_code} with JSON that is no object")
    return answer


def _plural(name: str) -> str:
    """PagerDuty's array parameters end in `[]`, which no Python name can: `include__` stands for `include[]`."""
    return name.removesuffix("__") + "[]" if name.endswith("__") else name
