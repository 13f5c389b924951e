"""Signs requests in: basic authentication, OAuth client credentials, or a REST API key.

Both HTTP clients ask here for the headers: `requests`, under pysnow, through `Wire`; httpx through `Signed`. Asking may
fetch a token, and blocks meanwhile."""

import base64
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import httpx
import requests
from requests.adapters import HTTPAdapter

from firstline.errors import Unavailable
from firstline.http import CONNECT_TIMEOUT, TIMEOUT, error_for
from firstline.meter import Meter, Quota
from firstline_servicenow.limit import quota
from firstline_servicenow.settings import ServiceNowSettings

TOKEN = "/oauth_token.do"  # noqa: S105 - a path
EARLY = 60.0  # seconds before its end that a token is replaced
LIFETIME = 1800.0  # of a token that does not say: the instance's default


class SignIn(ABC):
    @abstractmethod
    def headers(self) -> dict[str, str]:
        """What to send along. May fetch a token: raises `Unauthorized` or `Unavailable` where it gets none."""

    def renew(self, used: Mapping[str, str]) -> bool:  # noqa: ARG002
        """A request with these headers was answered 401. True: others may do better, so send it once more."""
        return False


class Fixed(SignIn):
    """The same headers always."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    def headers(self) -> dict[str, str]:
        return self._headers


class ClientCredentials(SignIn):
    """A token for the application's own user. It comes without a refresh token, and is asked for anew before its end;
    and once more when the instance no longer takes it (revoked, or the instance was cloned over)."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        meter: Meter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = base_url + TOKEN
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._meter = meter
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def headers(self) -> dict[str, str]:
        with self._lock:
            if not self._token or self._clock() >= self._ends:
                self._take(self._fetch())
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, used: Mapping[str, str]) -> bool:
        with self._lock:
            if used.get("Authorization") == f"Bearer {self._token}":
                self._token = ""  # else somebody has fetched another meanwhile
        return True

    def _take(self, told: Mapping[str, Any]) -> None:
        lifetime = _seconds(told.get("expires_in"))
        self._token = str(told["access_token"])
        self._ends = self._clock() + max(lifetime - EARLY, lifetime / 2)

    def _fetch(self) -> Mapping[str, Any]:
        what = f"POST {urlsplit(self._url).path}"
        self._meter.sent()
        try:
            with requests.Session() as session:
                session.trust_env = False
                options = {"timeout": (CONNECT_TIMEOUT, TIMEOUT), "allow_redirects": False}
                answer = session.post(self._url, data=self._form, **options)  # type: ignore[arg-type]
        except requests.RequestException as error:
            raise Unavailable(f"{what}: {type(error).__name__}") from None  # its words may hold the form
        if not 200 <= answer.status_code < 300:
            raise error_for(answer.status_code, answer.text, answer.headers, what)
        try:
            told = answer.json()
        except requests.JSONDecodeError:
            told = None
        if not isinstance(told, dict) or not told.get("access_token"):
            raise Unavailable(f"{what} answered no token: the instance is hibernating, or OAuth is off")
        return told


def sign_in(settings: ServiceNowSettings, meter: Meter) -> SignIn:
    """The kind that the settings name."""
    if settings.api_key is not None:
        return Fixed({"x-sn-apikey": settings.api_key.get_secret_value()})
    if settings.client_secret is not None:
        secret = settings.client_secret.get_secret_value()
        return ClientCredentials(settings.base_url, settings.client_id, secret, meter)
    password = settings.password.get_secret_value() if settings.password else ""
    pair = base64.b64encode(f"{settings.user}:{password}".encode()).decode()
    return Fixed({"Authorization": f"Basic {pair}"})


class Wire(HTTPAdapter):
    """For `requests`: signs each request in and counts it. Never retries but a 401 that another token may cure: what
    was answered 401 was not done."""

    def __init__(self, sign_in: SignIn, meter: Meter) -> None:
        super().__init__(max_retries=0)
        self._sign_in = sign_in
        self._meter = meter
        self.quota: Quota | None = None  # what the instance last said of its limit

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        used = self._sign_in.headers()
        response = self._once(request, used, *args, **options)
        if response.status_code == 401 and self._sign_in.renew(used):
            response.close()
            response = self._once(request, self._sign_in.headers(), *args, **options)
        return response

    def _once(
        self, request: requests.PreparedRequest, headers: Mapping[str, str], *args: Any, **options: Any
    ) -> requests.Response:
        request.headers.update(headers)
        self._meter.sent()
        response = super().send(request, *args, **options)
        told = quota(response.headers)
        if told:
            self.quota = told
            self._meter.told(told)
        return response


class Signed(httpx.Auth):
    """The same for httpx, whose client counts by itself."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = await self._headers()
        request.headers.update(used)
        response = yield request
        if response.status_code == 401 and self._sign_in.renew(used):
            request.headers.update(await self._headers())
            yield request

    async def _headers(self) -> dict[str, str]:
        """In a thread where asking may block: a hop for each request is not free."""
        if isinstance(self._sign_in, Fixed):
            return self._sign_in.headers()
        return await anyio.to_thread.run_sync(self._sign_in.headers)


def _seconds(told: Any) -> float:
    return float(told) if str(told).isdigit() else LIFETIME
