"""Who signs in, and how: an API token or a personal one, or OAuth's tokens behind the API gateway."""

import base64
import binascii
import secrets
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from firstline_jira.sandbox.record import Person
from firstline_jira.sandbox.trouble import Troubles

TOKEN = "sandbox-token"  # noqa: S105 - the published token of a stand-in
CLOUD_ID = "5a4d6b0e-0000-4000-8000-000000000001"
CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - the published one of a stand-in
BOT = Person("firstline.bot@example.com")

GATEWAY = f"/ex/jira/{CLOUD_ID}"


class Accounts:
    """Any e-mail address is a person; `token` is everybody's."""

    def __init__(self, token: str, troubles: Troubles) -> None:
        self._token = token
        self._troubles = troubles
        self.clear()

    def clear(self) -> None:
        self._access: dict[str, float] = {}  # access token → when it ends, monotonic
        self._refresh = REFRESH_TOKEN

    def who(self, authorization: str, *, gateway: bool) -> Person | None:
        """None: nobody. The gateway knows OAuth's access tokens only."""
        scheme, _, credentials = authorization.partition(" ")
        if gateway:
            alive = scheme.lower() == "bearer" and self._access.get(credentials, 0) > time.monotonic()
            return BOT if alive else None
        if scheme.lower() == "bearer":
            return BOT if secrets.compare_digest(credentials.encode(), self._token.encode()) else None
        return self._basic(scheme, credentials)

    def _basic(self, scheme: str, credentials: str) -> Person | None:
        try:
            email, _, token = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Person(email) if scheme.lower() == "basic" and email and token == self._token else None

    async def exchange(self, request: Request) -> Response:
        """POST /oauth/token. A refresh token serves once."""
        wanted: dict[str, Any] = await request.json()
        if any(wanted.get(key) != value for key, value in CLIENT.items()):
            return JSONResponse({"error": "access_denied", "error_description": "Unauthorized"}, 401)
        if wanted.get("grant_type") == "client_credentials":
            return JSONResponse(self._granted())
        if wanted.get("grant_type") == "refresh_token" and wanted.get("refresh_token") == self._refresh:
            self._refresh = secrets.token_urlsafe(24)
            return JSONResponse(self._granted() | {"refresh_token": self._refresh})
        words = "Unknown or invalid refresh token."
        return JSONResponse({"error": "invalid_grant", "error_description": words}, 403)

    def _granted(self) -> dict[str, Any]:
        seconds = self._troubles.now.token_seconds
        token = secrets.token_urlsafe(24)
        self._access[token] = time.monotonic() + seconds
        return {"access_token": token, "expires_in": seconds, "token_type": "Bearer", "scope": "read:jira-work"}
