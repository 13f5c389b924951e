"""A sandbox in the same process, for tests that ask it hundreds of times: no sockets, its webhooks in a list."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from firstline.connector import Delivery, SandboxSettings, Window
from firstline.incident import Event
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app
from firstline_jira.sandbox.record import Issue, Person
from firstline_jira.settings import JiraSettings

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PAT, SAM = Person("pat.customer@example.com"), Person("sam.agent@example.com")
HUB = Person("hub@example.com")


class Inside:
    """`connector` polls the sandbox; `told` holds what its webhooks say."""

    def __init__(self, **seed: Any) -> None:
        app = create_app(SandboxSettings(seed=seed))
        self.sandbox = app.state.sandbox
        self.actions = self.sandbox.actions
        self.told: list[bytes] = []
        self._moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        self.actions.records.now = self._now
        self.sandbox.hooks.tell = lambda _, *bodies: self.told.extend(json.dumps(body).encode() for body in bodies)
        cloud = seed.get("deployment", "cloud") == "cloud"
        sign_in = {"user": HUB.email, "api_token": "sandbox-token"} if cloud else {"personal_token": "sandbox-token"}
        settings = {
            "base_url": "http://jira.sandbox",
            "deployment": "cloud" if cloud else "datacenter",
            **sign_in,
            "change": {"project": "HELP"},
        }
        self.connector = JiraConnector("jira-prod", JiraSettings.model_validate(settings | {"own_account_id": "hub"}))
        self.connector._site._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(_dated(app)),
            base_url="http://jira.sandbox",
            headers={"Authorization": _signed(cloud)},
        )
        self.connector._poller._fields = [
            "summary",
            "status",
            "priority",
            "issuetype",
            "project",
            "created",
            "updated",
            "creator",
        ]

    def _now(self) -> datetime:
        """Ten seconds lie between two happenings."""
        self._moment += timedelta(seconds=10)
        return self._moment

    def open(self, summary: str = "The shop does not answer", person: Person = PAT) -> Issue:
        details = {"serviceDeskId": "1", "requestTypeId": "1", "requestFieldValues": {"summary": summary}}
        made: Issue = self.actions.request(person, details)
        return made

    def say(self, issue: Issue, words: str, person: Person = PAT) -> str:
        body = self.actions._check.words(words)
        return str(self.actions.comment(person, issue, body, []).id)

    async def poll(self, window: Window) -> list[Delivery]:
        found: list[Delivery] = []
        page = ""
        while True:
            answer = await self.connector.poll(window, page)
            found += answer.deliveries
            page = answer.next
            if not page:
                return found

    def events(self, delivery: Delivery) -> list[Event]:
        return [*self.connector.translate(delivery)]

    def hook(self, body: bytes) -> Delivery:
        return Delivery(connection="jira-prod", key="k", body=body, received_at=datetime.now(UTC))


def _dated(app: Any) -> Any:
    """With the header that a server adds."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        async def more(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"date", format_datetime(datetime.now(UTC), usegmt=True).encode()))
            await send(message)

        await app(scope, receive, more)

    return serve


def _signed(cloud: bool) -> str:
    return httpx.BasicAuth(HUB.email, "sandbox-token")._auth_header if cloud else "Bearer sandbox-token"
