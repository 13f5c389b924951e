"""Requests to a cluster, and what its answers mean.

An error is a `Status` object with `code`, `reason` and `message` (kubernetes.io/docs/reference/using-api/api-concepts).
"""

from collections.abc import AsyncGenerator
from typing import Any

import httpx

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.executors.kubernetes.access import Access, Bearer
from firstline.http import client, error_for

JOBS, PODS, SECRETS = "apis/batch/v1:jobs", "api/v1:pods", "api/v1:secrets"
WORKLOADS = {"deployment": "apis/apps/v1:deployments", "statefulset": "apis/apps/v1:statefulsets"}
PAGE = 100  # objects of a list that one request asks for
MERGE = "application/merge-patch+json"

Body = dict[str, Any]


class Absent(Rejected):
    """404: there is no such object."""


class Conflict(Rejected):
    """409: an object of that name is there already, or it has changed since it was read."""


class Cluster:
    def __init__(self, access: Access) -> None:
        self.access = access
        self.http = client(
            access.url,
            auth=Bearer(access.token),
            transport=_Named(access) if access.server_name else httpx.AsyncHTTPTransport(verify=access.tls),
        )

    async def get(self, kind: str, namespace: str, name: str) -> Body:
        return await self.ask("GET", _path(kind, namespace, name))

    async def all(self, kind: str, namespace: str, selector: str) -> list[Body]:
        """Page by page. A list that changed too much meanwhile (410) is asked for anew at the next look."""
        found: list[Body] = []
        query = {"labelSelector": selector, "limit": str(PAGE)}
        while True:
            page = await self.ask("GET", _path(kind, namespace), params=query)
            found += page["items"]
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                return found

    async def create(self, kind: str, namespace: str, body: Body) -> Body:
        """Misspelt fields are refused by the server, not dropped."""
        return await self.ask("POST", _path(kind, namespace), params={"fieldValidation": "Strict"}, json=body)

    async def merge(self, kind: str, namespace: str, name: str, change: Body) -> Body:
        headers = {"Content-Type": MERGE}
        return await self.ask("PATCH", _path(kind, namespace, name), json=change, headers=headers)

    async def ask(self, method: str, path: str, **options: Any) -> Body:
        """Raises `Unavailable` from `httpx.ConnectError` when the request surely was not sent, else from another
        `httpx.TransportError` or from none."""
        try:
            response = await self.http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Unavailable(f"{method} {path}: {type(error).__name__}: {error}") from error
        if not response.is_success:
            raise failure(response, f"{method} {response.url.path}")
        body: Body = response.json()
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
        except httpx.TransportError as error:
            raise Unavailable(f"GET {path}: {type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        await self.http.aclose()


class _Named(httpx.AsyncHTTPTransport):
    """For a certificate that names the server otherwise than its address does."""

    def __init__(self, access: Access) -> None:
        super().__init__(verify=access.tls)
        self._name = access.server_name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = self._name
        return await super().handle_async_request(request)


def log_path(namespace: str, pod: str) -> str:
    return f"{_path(PODS, namespace, pod)}/log"


def exec_path(namespace: str, pod: str) -> str:
    return f"{_path(PODS, namespace, pod)}/exec"


def surely_not_sent(error: Unavailable) -> bool:
    return isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _path(kind: str, namespace: str, name: str = "") -> str:
    group, _, plural = kind.partition(":")
    return f"/{group}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def failure(response: httpx.Response, what: str) -> FirstlineError:
    """What an answer that is no success means."""
    try:
        words = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        words = response.text
    error = error_for(response.status_code, words, response.headers, what)
    if response.status_code == 404:
        return Absent(str(error))
    if response.status_code == 409:
        return Conflict(str(error))
    return error
