"""Sends webhooks: signed, in order, retried under the same identifier until they are taken (Atlassian, "Webhooks").

Jira waits minutes between tries; the sandbox begins with a fifth of a second, so that a rehearsal need not wait."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections import deque
from typing import Any

import httpx

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
GIVE_UP = 1_800.0  # seconds


class Hooks:
    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret.encode()
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._news = asyncio.Event()
        self.sent = 0
        self.dropped = 0

    def tell(self, body: dict[str, Any]) -> None:
        """Put it in the queue; what it says is fixed now, whenever it is delivered."""
        if self._url:
            self._waiting.append((str(uuid.uuid4()), json.dumps(body).encode()))
            self._news.set()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def clear(self) -> None:
        self._waiting.clear()

    async def run(self) -> None:
        """Deliver for ever; ended by cancelling it."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            while True:
                await self._news.wait()
                while self._waiting:
                    await self._deliver(http, *self._waiting[0])
                self._news.clear()

    async def _deliver(self, http: httpx.AsyncClient, identifier: str, body: bytes) -> None:
        headers = {
            "Content-Type": "application/json",
            "X-Atlassian-Webhook-Identifier": identifier,
            "X-Hub-Signature": "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest(),
        }
        delay, started, taken = FIRST_DELAY, time.monotonic(), False
        while not (taken := await self._post(http, headers, body)) and time.monotonic() - started < GIVE_UP:
            await asyncio.sleep(delay)
            delay = min(LONGEST_DELAY, delay * 1.5)
        self.sent += taken
        self.dropped += not taken
        if self._waiting and self._waiting[0][0] == identifier:
            self._waiting.popleft()

    async def _post(self, http: httpx.AsyncClient, headers: dict[str, str], body: bytes) -> bool:
        try:
            return (await http.post(self._url, content=body, headers=headers)).is_success
        except httpx.HTTPError:
            return False
