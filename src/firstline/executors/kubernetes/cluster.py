"""Requests to a cluster, and what its answers mean.

An error is a `Status` object with `code`, `reason` and `message` (kubernetes.io/docs/reference/using-api/api-concepts).
"""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.executors.kubernetes.access import Access, Bearer
from firstline.http import client, error_for

JOBS, PODS, SECRETS, EVENTS = "apis/batch/v1:jobs", "api/v1:pods", "api/v1:secrets", "api/v1:events"
WORKLOADS = {"deployment": "apis/apps/v1:deployments", "statefulset": "apis/apps/v1:statefulsets"}
PAGE = 100  # objects of a list that one request asks for
MERGE = "application/merge-patch+json"

Body = dict[str, Any]


class Absent(Rejected):
    """404: there is no such object."""


class Exists(Rejected):
    """409 `AlreadyExists`: an object of that name is there."""


class Conflict(Rejected):
    """409 `Conflict`: the object, or a quota that counts it, has changed since it was read. Nothing was done."""


class Expired(Rejected):
    """410: what a list goes on from is not known any more."""


class NotDone(Unavailable):
    """Surely nothing was done: the request was not sent, or turned away before it was looked at (429)."""


class Cluster:
    def __init__(self, access: Access) -> None:
        self.access = access
        self.time = datetime.now(UTC)  # by the cluster's clock, as its last answer told
        self.http = client(access.url, auth=Bearer(access.token), transport=_Transport(access))

    @property
    def stamp(self) -> str:
        return self.time.isoformat(timespec="seconds").replace("+00:00", "Z")

    async def get(self, kind: str, namespace: str, name: str) -> Body:
        return await self.ask("GET", _path(kind, namespace, name))

    async def all(self, kind: str, namespace: str, **selectors: str) -> list[Body]:
        """Those that fit `labelSelector` and `fieldSelector`, page by page. A list that the server can't go on with is
        asked for anew, whole, as kubectl does (kubernetes.io/docs/reference/using-api/api-concepts)."""
        try:
            return await self._pages(_path(kind, namespace), {**selectors, "limit": str(PAGE)})
        except Expired:
            return await self._pages(_path(kind, namespace), selectors)

    async def _pages(self, path: str, query: dict[str, str]) -> list[Body]:
        found: list[Body] = []
        while True:
            page = await self.ask("GET", path, params=query)
            found += page.get("items") or []
            if not (rest := page.get("metadata", {}).get("continue")):
                return found
            query = {**query, "continue": rest}

    async def create(self, kind: str, namespace: str, body: Body) -> Body:
        """Misspelt fields are refused by the server, not dropped. Raises `NotDone` when a quota was counted by two at
        once (kubernetes#67761)."""
        try:
            return await self.ask("POST", _path(kind, namespace), params={"fieldValidation": "Strict"}, json=body)
        except Conflict as conflict:
            raise NotDone(str(conflict)) from conflict

    async def merge(self, kind: str, namespace: str, name: str, change: Body) -> Body:
        headers = {"Content-Type": MERGE}
        return await self.ask("PATCH", _path(kind, namespace, name), json=change, headers=headers)

    async def ask(self, method: str, path: str, **options: Any) -> Body:
        """Raises `NotDone` when surely nothing was done; after another `Unavailable` it may have been."""
        try:
            response = await self.http.request(method, path, **options)
        except httpx.RequestError as error:
            raise _broken(error, f"{method} {path}") from error
        if not response.is_success:
            raise failure(response, f"{method} {response.url.path}")
        self.time = _time(response)
        try:
            body = response.json()
        except ValueError as error:
            raise Unavailable(f"{method} {path} was answered by no cluster: {response.text[:100]!r}") from error
        if not isinstance(body, dict):
            raise Unavailable(f"{method} {path} was answered by no cluster: {response.text[:100]!r}")
        return body

    async def text(self, path: str, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
        """As it comes, whatever its length."""
        try:
            async with self.http.stream("GET", path, params=query, headers={"Accept": "*/*"}) as response:
                if not response.is_success:
                    await response.aread()
                    raise failure(response, f"GET {response.url.path}")
                async for piece in response.aiter_bytes():
                    yield piece
        except httpx.RequestError as error:
            raise _broken(error, f"GET {path}") from error

    async def aclose(self) -> None:
        await self.http.aclose()


class _Transport(httpx.AsyncHTTPTransport):
    """By the cluster's own certificates and proxy; its certificate may name it otherwise than its address does."""

    def __init__(self, access: Access) -> None:
        super().__init__(verify=access.tls, proxy=access.proxy or None)
        self._name = access.server_name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._name:
            request.extensions["sni_hostname"] = self._name
        return await super().handle_async_request(request)


def log_path(namespace: str, pod: str) -> str:
    return f"{_path(PODS, namespace, pod)}/log"


def exec_path(namespace: str, pod: str) -> str:
    return f"{_path(PODS, namespace, pod)}/exec"


def _path(kind: str, namespace: str, name: str = "") -> str:
    group, _, plural = kind.partition(":")
    return f"/{group}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def failure(response: httpx.Response, what: str) -> FirstlineError:
    """What an answer that is no success means."""
    status = _status(response)
    words = status.get("message") or response.text
    error = error_for(response.status_code, words, response.headers, what)
    if response.status_code == 429 and isinstance(error, Unavailable):
        return NotDone(str(error), retry_after=error.retry_after)
    if response.status_code == 409:
        return Exists(str(error)) if status.get("reason") == "AlreadyExists" else Conflict(str(error))
    kind = {404: Absent, 410: Expired}.get(response.status_code)
    return kind(str(error)) if kind else error


def _status(response: httpx.Response) -> Body:
    try:
        status = response.json()
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _broken(error: httpx.RequestError, what: str) -> Unavailable:
    words = f"{what}: {type(error).__name__}: {error}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return NotDone(words)
    return Unavailable(words)


def _time(response: httpx.Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)
