"""Signed in at Vault: a token that is renewed, or made anew, before it ends.

Facts: HashiCorp Vault, website/content/api-docs: index.mdx (headers, statuses, `errors`), auth/approle.mdx,
auth/kubernetes.mdx, auth/token.mdx (lookup-self, renew-self). A refused AppRole is answered 400; a token that has ended
403, as is a path that its policies don't cover."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx

from firstline import http
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.secret.settings import AppRoleAuth, KubernetesAuth, TokenAuth, VaultSettings

RENEW = 2 / 3  # of a token's life
NOT_CONSISTENT_YET = 412  # index.mdx: "should be retried"
MOVED = frozenset({301, 302, 307, 308})

Local = Callable[[str], str]  # what `env:` and `file:` name
Learn = Callable[[str], None]  # is told each token


@dataclass(frozen=True)
class Answer:
    """`body` is empty where there was none."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def words(self) -> str:
        """What Vault says is wrong; nothing else of the answer is ever quoted."""
        found = self.body.get("errors")
        return "; ".join(map(str, found)) if isinstance(found, list) else ""


@dataclass(frozen=True)
class Token:
    text: str
    renewable: bool = False
    renew_at: float = float("inf")  # by the monotonic clock
    doubtful: bool = False  # it may not even look at itself


class Session:
    """Sends requests with a token. Threads may use it. Raises `Unauthorized` when the sign-in is refused, `Unavailable`
    when Vault can't answer now: whoever asked tries again, not this."""

    def __init__(self, settings: VaultSettings, local: Local, learn: Learn) -> None:
        self._settings, self._local, self._learn = settings, local, learn
        self._http: httpx.Client | None = None
        self._token: Token | None = None
        self._signing = threading.Lock()

    def get(self, path: str) -> Answer:
        """The answer for a path below /v1/; 403 when the token is good, but may not."""
        token = self._current()
        answer = self._send("GET", path, token=token.text)
        if answer.status == 403 and not self._is_good(token):
            fresh = self._fresh(token)
            if fresh.text != token.text:
                answer = self._send("GET", path, token=fresh.text)
            if answer.status == 403 and (fresh.doubtful or fresh.text == token.text):
                raise error_for(answer, f"GET {path}", Unauthorized)
        return answer

    def keep(self) -> None:
        """Renew the token if it is time to: one that is never used would end. Nothing happens before the first use."""
        if self._token is not None:
            self._current()

    def close(self) -> None:
        client, self._http = self._http, None
        if client is not None:
            client.close()

    def _current(self) -> Token:
        with self._signing:
            if self._token is None:
                self._token = self._signed_in()
            elif time.monotonic() >= self._token.renew_at:
                self._token = self._renewed(self._token) or self._signed_in()
            return self._token

    def _fresh(self, refused: Token) -> Token:
        """Another token than the one refused, if there can be one."""
        with self._signing:
            if self._token is None or self._token.text == refused.text:
                self._token = None
                self._token = self._signed_in()
            return self._token

    def _is_good(self, token: Token) -> bool:
        """Whether it is not the token that was refused, but this one path. To sign in anew for each path that a policy
        forbids would use up a secret ID that is for so many sign-ins, and leave a token behind each time."""
        return not token.doubtful and self._send("GET", "auth/token/lookup-self", token=token.text).status == 200

    def _renewed(self, token: Token) -> Token | None:
        if not token.renewable:
            return None
        try:
            answer = self._send("POST", "auth/token/renew-self", token=token.text, body={})
        except Unavailable:  # it is good for a while yet
            return token
        return self._told(answer.body.get("auth"), token.text) if answer.status == 200 else None

    def _signed_in(self) -> Token:
        auth = self._settings.auth
        if isinstance(auth, TokenAuth):
            return self._given(self._local(auth.token))
        mount = quote(auth.mount)
        answer = self._send("POST", f"auth/{mount}/login", body=self._credentials(auth))
        if answer.status != 200:
            raise error_for(answer, f"signing in at auth/{mount}", Unauthorized)
        return self._told(answer.body.get("auth"))

    def _credentials(self, auth: AppRoleAuth | KubernetesAuth) -> dict[str, str]:
        if isinstance(auth, AppRoleAuth):
            role = auth.role_id
            known = self._local(role) if role.startswith(("env:", "file:")) else role
            return {"role_id": known, "secret_id": self._local(auth.secret_id)}
        try:
            return {"role": auth.role, "jwt": auth.jwt.read_text(encoding="utf-8").strip()}
        except (OSError, UnicodeDecodeError) as error:
            raise Unauthorized(f"the service account's token can't be read: {error}") from None

    def _given(self, text: str) -> Token:
        """A token that somebody made. How long it lives may be hidden from it: then it is used until it is refused."""
        answer = self._send("GET", "auth/token/lookup-self", token=text)
        found = answer.body.get("data") if answer.status == 200 else None
        life = {"lease_duration": found.get("ttl"), "renewable": found.get("renewable")} if found else {}
        return replace(self._told({"client_token": text, **life}), doubtful=answer.status == 403)

    def _told(self, auth: Any, before: str = "") -> Token:
        auth = auth if isinstance(auth, dict) else {}
        text, life = auth.get("client_token") or before, auth.get("lease_duration")
        if not text:
            raise Rejected("Vault's answer to the sign-in has no token")
        self._learn(text)
        lives = isinstance(life, int | float) and life > 0  # 0: a root token, which never ends
        return Token(text, auth.get("renewable") is True, time.monotonic() + life * RENEW if lives else float("inf"))

    def _send(self, method: str, path: str, *, token: str = "", body: dict[str, str] | None = None) -> Answer:
        headers = {"X-Vault-Token": token} if token else {}
        try:
            response = self._client().request(method, path, headers=headers, json=body)
        except http.NoAnswer as error:
            raise Unavailable(f"Vault gives no answer: {type(error).__name__}: {error}") from None
        found = _json(response)
        answer = Answer(response.status_code, found, response.headers)
        if response.status_code in MOVED:
            raise Rejected("this Vault sends on to another; write the active one's address as vault.url")
        if response.status_code == NOT_CONSISTENT_YET or response.status_code == 429 or response.status_code >= 500:
            raise error_for(answer, f"{method} {path}", Rejected)
        return answer

    def _client(self) -> httpx.Client:
        if self._http is None:
            settings = self._settings
            named = {"X-Vault-Namespace": settings.namespace} if settings.namespace else {}
            try:
                self._http = http.blocking_client(
                    f"{settings.url.rstrip('/')}/v1/",
                    headers={"X-Vault-Request": "true", **named},
                    ca=settings.ca,
                    timeout=settings.timeout,
                )
            except OSError as error:
                raise Rejected(f"the certificates of vault.ca can't be read: {error}") from None
        return self._http


def error_for(answer: Answer, what: str, refused: type[FirstlineError]) -> FirstlineError:
    """For an answer that is no success. `refused`: what a refusal is."""
    words = f"Vault answered {answer.status} to {what}" + (f": {answer.words}" if answer.words else "")
    if answer.status == NOT_CONSISTENT_YET or answer.status == 429 or answer.status >= 500:
        return Unavailable(words, retry_after=http.retry_after(answer.headers))
    return refused(words)


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        found = None
    if isinstance(found, dict):
        return found
    if response.is_success and response.status_code != 204:
        raise Rejected("what answers at vault.url is no Vault")
    return {}
