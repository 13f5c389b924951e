"""Sends webhooks: in order for each webhook, retried under the same identifier until taken (Atlassian, "Webhooks").

Jira waits minutes between tries; the sandbox begins with a fifth of a second, so that a rehearsal need not wait."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from firstline.chaos import HookChaos
from firstline.http import client
from firstline_jira.sandbox import jql
from firstline_jira.sandbox.record import Issue

FIRST_DELAY = 0.2
LONGEST_DELAY = 5.0
GIVE_UP = 1_800.0  # seconds

Tree = dict[str, Any]


@dataclass
class Hook:
    """A webhook: the one given at start, or one that was registered. No events: all of them."""

    id: str
    kind: Literal["given", "admin", "server", "dynamic"]
    url: str
    secret: str = ""
    name: str = ""
    events: list[str] = field(default_factory=list)
    filter: str = ""
    enabled: bool = True
    expires_at: float | None = None  # seconds since 1970
    queue: deque[tuple[str, str, bytes]] = field(default_factory=deque)  # record, identifier, body

    def wants(self, event: str, issue: Issue | None) -> bool:
        alive = self.enabled and (self.expires_at is None or self.expires_at > time.time())
        if not alive or (self.events and event not in self.events):
            return False
        return not self.filter or issue is None or bool(jql.search(self.filter, [issue]))


class Hooks:
    def __init__(self, url: str, secret: str, chaos: HookChaos) -> None:
        self._chaos = chaos
        self._given = [Hook("0", "given", url, secret)] if url else []
        self._news = asyncio.Event()
        self._last = 71
        self.sent = 0
        self.dropped = 0
        self.hooks: list[Hook] = [*self._given]

    def register(self, make: Callable[[str], Hook]) -> Hook:
        self._last += 1
        self.hooks.append(make(str(self._last)))
        return self.hooks[-1]

    def tell(self, issue: Issue | None, *bodies: Tree) -> None:
        """Put them in the queues; what they say is fixed now, whenever they are delivered."""
        for hook in self.hooks:
            for body in bodies:
                if hook.wants(body["webhookEvent"], issue):
                    hook.queue.append((issue.key if issue else "", str(uuid.uuid4()), json.dumps(body).encode()))
                    self._news.set()

    @property
    def waiting(self) -> int:
        return sum(len(hook.queue) for hook in self.hooks) + self._chaos.waiting

    def clear(self) -> None:
        """What waits is forgotten, and what was registered."""
        for hook in self.hooks:
            hook.queue.clear()
            hook.enabled = hook.kind == "given"
        self.hooks = [*self._given]

    async def run(self) -> None:
        """Deliver for ever; ended by cancelling it. Each webhook has its own order, and waits for no other."""
        busy: dict[str, asyncio.Task[None]] = {}
        async with client("") as http:
            try:
                while True:
                    await self._news.wait()
                    self._news.clear()
                    for hook in self.hooks:
                        if hook.queue and (hook.id not in busy or busy[hook.id].done()):
                            busy[hook.id] = asyncio.create_task(self._drain(http, hook))
            finally:
                for task in busy.values():
                    task.cancel()
                await asyncio.gather(*busy.values(), return_exceptions=True)
                await self._chaos.aclose()

    async def _drain(self, http: httpx.AsyncClient, hook: Hook) -> None:
        while hook.queue:
            record, identifier, body = hook.queue[0]
            await self._chaos.deliver(record, lambda i=identifier, b=body: self._deliver(http, hook, i, b))  # type: ignore[misc]
            if hook.queue and hook.queue[0][1] == identifier:
                hook.queue.popleft()
        self._news.set()  # what came in the meantime

    async def _deliver(self, http: httpx.AsyncClient, hook: Hook, identifier: str, body: bytes) -> None:
        headers = {"Content-Type": "application/json", "X-Atlassian-Webhook-Identifier": identifier}
        if hook.secret:
            digest = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={digest}"
        delay, started, taken = FIRST_DELAY, time.monotonic(), False
        while hook.enabled and not (taken := await self._post(http, hook.url, headers, body)):
            if time.monotonic() - started > GIVE_UP:
                break
            await asyncio.sleep(delay)
            delay = min(LONGEST_DELAY, delay * 1.5)
        self.sent += taken
        self.dropped += not taken

    async def _post(self, http: httpx.AsyncClient, url: str, headers: dict[str, str], body: bytes) -> bool:
        try:
            return (await http.post(url, content=body, headers=headers)).is_success
        except httpx.HTTPError:
            return False
