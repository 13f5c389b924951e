"""PagerDuty's REST API v2, through PagerDuty's own client. The only module that knows that client."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from httpx2 import Limits, RequestError, Response, Timeout
from pagerduty import Error, RestApiV2Client

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.http import CONNECT_TIMEOUT, error_for
from firstline_pagerduty.settings import PagerDutySettings

# The client blocks, so each request under way holds a thread. PagerDuty asks for requests one after another ("REST API
# Rate Limits", Best practices); a few at a time keep one slow answer from holding up the rest.
CONCURRENCY = 4

JSON = {"Content-Type": "application/json"}


class Refused(Rejected):
    """PagerDuty's no. `code` is its own error code ("Errors", PagerDuty Error Codes), 0 if it gave none."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Rest:
    """One connection's requests. Paths begin with `/`. Each method returns the answer's JSON object; it raises
    `Unavailable`, `Unauthorized` or `Refused`, and never sends a request twice."""

    def __init__(self, settings: PagerDutySettings) -> None:
        self._limiter = CapacityLimiter(CONCURRENCY)
        self._client = _Client(
            settings.token.get_secret_value(),
            default_from=settings.from_email,
            trust_env=False,
            limits=Limits(max_connections=CONCURRENCY),
        )
        self._client.timeout = Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout))  # type: ignore[assignment]
        # The client's setter refuses http://, which the settings allow on this machine alone.
        self._client._url = settings.base_url

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        return await self._send("GET", path, params={_plural(name): value for name, value in params.items()})

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._send("POST", path, json=dict(body))

    async def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._send("PUT", path, json=dict(body))

    async def aclose(self) -> None:
        self._client.close()

    async def _send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        send = partial(self._client.request, method, path, **options)
        try:
            response: Response = await to_thread.run_sync(send, limiter=self._limiter)
        except (
            Error,
            RequestError,
        ) as error:  # the client wraps what broke the connection, not what garbled the answer
            cause = error.__cause__ or error
            raise Unavailable(f"{method} {path}: {type(cause).__name__}: {cause}") from error
        return _object(response, f"{method} {path}")


class _Client(RestApiV2Client):
    """Never repeats a request: whether to try again is the hub's to say. Left to itself the client repeats a POST whose
    connection broke, and anything answered 429, for ever."""

    max_network_attempts = 0

    def prepare_headers(self, method: str, user_headers: dict[str, str] | None = None) -> dict[str, str]:
        """The schema requires a content type of reads too."""
        headers: dict[str, str] = super().prepare_headers(method, JSON | (user_headers or {}))
        return headers

    def postprocess(self, response: Response, suffix: str | None = None) -> None:  # noqa: ARG002 - the client's signature
        """Called by the client with each answer, before it thinks of repeating: here a refusal leaves the loop."""
        if not response.is_success:
            raise _error(response)


def _error(response: Response) -> FirstlineError:
    headers = dict(response.headers)
    if response.status_code == 429 and "ratelimit-reset" in headers:
        headers.setdefault("retry-after", headers["ratelimit-reset"])  # "REST API Rate Limits": seconds until the reset
    what = f"{response.request.method} {response.request.url.path}"
    error = error_for(response.status_code, response.text, headers, what)
    return Refused(str(error), _code(response)) if isinstance(error, Rejected) else error


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
