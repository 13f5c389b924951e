"""Who may ask: keys of the account, and the tokens of a private app ("Authentication"; "Private Apps", App Tokens)."""

import time
from secrets import token_urlsafe
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.seed import Seed

LIFETIME = 86_400  # seconds; "Token Lifetimes"
OF_INCIDENTS = {"log_entries", "incidents"}


class Keys:
    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._issued: dict[str, tuple[frozenset[str], float]] = {}

    def routes(self) -> list[Route]:
        return [Route("/oauth/token", self.issue, methods=["POST"])]

    async def issue(self, request: Request) -> Response:
        """With the scopes that the app has of those it asks for; what it lacks is left out without a word."""
        form = dict(parse_qsl((await request.body()).decode()))
        asked = str(form.get("scope") or "").split()
        mine = (self._seed.oauth_client_id, self._seed.oauth_client_secret)
        if not mine[0] or (form.get("client_id"), form.get("client_secret")) != mine:
            return JSONResponse({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "client_credentials" or not any(one.startswith("as_account-") for one in asked):
            return JSONResponse({"error": "invalid_request"}, 400)
        granted = [one for one in asked if one.startswith("as_account-") or one in self._seed.oauth_scopes]
        token = f"pdus+_{token_urlsafe(24)}"
        self._issued[token] = frozenset(granted), time.monotonic() + LIFETIME
        return JSONResponse(
            {"access_token": token, "scope": " ".join(granted), "token_type": "bearer", "expires_in": LIFETIME}, 200
        )

    def revoke(self) -> None:
        """Every token that was issued."""
        self._issued.clear()

    def admit(self, request: Request) -> str:
        """The key, or app, that asks. Raises a refusal for one that is unknown, or may not do this."""
        writes = request.method != "GET"
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token in self._issued and time.monotonic() < self._issued[token][1]:
            if _scope(request.url.path, writes) not in self._issued[token][0]:
                raise error.forbidden()
            return self._seed.oauth_client_id
        key = token.removeprefix("token=")
        if scheme != "Token" or key == token or not key or (self._seed.token and key != self._seed.token):
            raise error.unauthenticated()
        if writes and self._seed.read_only:
            raise error.forbidden()
        return key


def _scope(path: str, writes: bool) -> str:
    """What "Scoped OAuth requires" of a path in the OpenAPI."""
    resource = path.split("/")[1]
    return f"{'incidents' if resource in OF_INCIDENTS else resource}.{'write' if writes else 'read'}"
