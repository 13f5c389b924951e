"""Signing in to the REST API: with a key, or as an app with OAuth client credentials ("Private Apps", App Tokens)."""

from abc import ABC, abstractmethod
from time import monotonic

from anyio import Lock

from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.http import client, request
from firstline.meter import Meter
from firstline_pagerduty.settings import PagerDutySettings

EARLY = 60.0  # seconds before its end that a token is no longer used


class SignIn(ABC):
    """Gives the `Authorization` header. Safe to share among concurrent requests."""

    @abstractmethod
    async def header(self) -> str: ...

    def renew(self, refused: str) -> bool:  # noqa: ARG002 - a key has nothing to renew
        """Called when PagerDuty refused a header: whether `header` may now give a better one."""
        return False

    async def aclose(self) -> None:  # noqa: B027 - a key holds nothing open
        """Close what is open."""


class Key(SignIn):
    """A REST API key, of the account or of a user."""

    def __init__(self, token: str) -> None:
        self._header = f"Token token={token}"

    async def header(self) -> str:
        return self._header


class App(SignIn):
    """A private app. Its token lasts a day; another is asked for before it ends, or when it is refused."""

    def __init__(self, settings: PagerDutySettings, meter: Meter) -> None:
        self._http = client(settings.oauth_url, meter=meter)
        self._form = {
            "grant_type": "client_credentials",
            "client_id": settings.oauth_client_id,
            "client_secret": settings.oauth_client_secret.get_secret_value() if settings.oauth_client_secret else "",
            "scope": settings.oauth_scope,
        }
        self._lock = Lock()
        self._header = ""
        self._ends = 0.0

    async def header(self) -> str:
        async with self._lock:
            if not self._header or monotonic() >= self._ends:
                await self._ask()
            return self._header

    def renew(self, refused: str) -> bool:
        if refused == self._header:
            self._header = ""
        return True

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _ask(self) -> None:
        try:
            answer = (await request(self._http, "POST", "/oauth/token", data=self._form)).json()
            self._header = f"Bearer {answer['access_token']}"
            self._ends = monotonic() + float(answer["expires_in"]) - EARLY
        except Rejected as error:
            raise Unauthorized(f"no token for client {self._form['client_id']}: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable("POST /oauth/token answered without a token") from error


def sign_in(settings: PagerDutySettings, meter: Meter) -> SignIn:
    return Key(settings.token.get_secret_value()) if settings.token else App(settings, meter)
