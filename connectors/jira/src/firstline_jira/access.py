"""Signing in: one `Authorization` header for both HTTP clients, renewed where it expires.

OAuth's access tokens live an hour. A refresh token (3LO) serves once: each use answers with the next, which is kept in
the operator's file before anything is done with the access token that came with it (Atlassian, "Implementing the
Refresh Token Flow")."""

import base64
import fcntl
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import requests

from firstline import http
from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.meter import Meter
from firstline_jira.settings import JiraSettings, OAuthSettings

EARLY = 60.0  # seconds before its end that an access token is renewed


class Access:
    """The header that requests of one connection carry."""

    def __init__(self, settings: JiraSettings, meter: Meter) -> None:
        self._meter = meter
        self._oauth = settings.oauth
        self._ends = 0.0  # monotonic
        self._lock = anyio.Lock()
        self.header = _fixed(settings)

    @property
    def renews(self) -> bool:
        return self._oauth is not None

    async def ready(self) -> str:
        """The header, as good as it can be known to be."""
        if self._oauth and time.monotonic() > self._ends - EARLY:
            await self.renew(self.header)
        return self.header

    async def renew(self, stale: str) -> str:
        """A new one in place of `stale`, unless another call has brought it by now."""
        async with self._lock:
            if self._oauth and self.header == stale:
                token, seconds = await self._exchange(self._oauth)
                self.header, self._ends = f"Bearer {token}", time.monotonic() + seconds
        return self.header

    async def _exchange(self, oauth: OAuthSettings) -> tuple[str, float]:
        file = oauth.refresh_token_file
        if file is None:
            return _read(await self._ask(oauth, {"grant_type": "client_credentials"}))
        with await anyio.to_thread.run_sync(_held, file) as held:
            current = {"grant_type": "refresh_token", "refresh_token": held.token}
            answer = await self._ask(oauth, current)
            found = _read(answer)
            if following := answer.get("refresh_token"):
                await anyio.to_thread.run_sync(held.replace, str(following))
            return found

    async def _ask(self, oauth: OAuthSettings, grant: dict[str, str]) -> dict[str, Any]:
        who = {"client_id": oauth.client_id, "client_secret": oauth.client_secret.get_secret_value()}
        async with http.client(oauth.token_url, meter=self._meter) as client:
            try:
                answer = (await http.request(client, "POST", oauth.token_url, json=grant | who)).json()
            except Rejected as refusal:  # invalid_grant comes as 400 or 403
                raise Unauthorized(f"signing in by OAuth failed: {refusal}") from refusal
            except ValueError as error:
                raise Unavailable(f"POST {oauth.token_url} answered something that is not JSON") from error
        return answer if isinstance(answer, dict) else {}


def _fixed(settings: JiraSettings) -> str:
    if settings.personal_token:
        return f"Bearer {settings.personal_token.get_secret_value()}"
    if settings.api_token:
        pair = f"{settings.user}:{settings.api_token.get_secret_value()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()
    return ""


def _read(answer: dict[str, Any]) -> tuple[str, float]:
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token:
        raise Unavailable("the token address answered no access_token")
    return token, float(seconds) if isinstance(seconds, int | float) else 0.0


class _Held:
    """A refresh token's file, locked against the hub's other processes."""

    def __init__(self, file: Path, lock: int) -> None:
        self._file = file
        self._lock = lock
        self.token = file.read_text(encoding="utf-8").strip()

    def replace(self, token: str) -> None:
        """Written whole or not at all, readable by the hub alone."""
        new = self._file.with_name(f"{self._file.name}.new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
                stream.write(token)
                stream.flush()
                os.fsync(stream.fileno())
            new.replace(self._file)
        except OSError as error:
            raise Unauthorized(
                f"the next refresh token can't be kept, consent has to be given anew: {error}"
            ) from error

    def __enter__(self) -> "_Held":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


def _held(file: Path) -> _Held:
    lock = -1
    try:
        lock = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _Held(file, lock)
    except (OSError, UnicodeDecodeError) as error:
        if lock >= 0:
            os.close(lock)
        raise Unauthorized(f"the refresh token's file can't be used: {error}") from error


class HttpxAuth(httpx.Auth):
    """For httpx. A 401 to a token that expires is tried once more with a new one: nothing was done for it."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        header = request.headers["Authorization"] = await self._access.ready()
        response = yield request
        if response.status_code == 401 and self._access.renews:
            request.headers["Authorization"] = await self._access.renew(header)
            yield request


class RequestsAuth(requests.auth.AuthBase):
    """For requests, which runs in threads; `Access.ready` was awaited before."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._access.header
        return request
