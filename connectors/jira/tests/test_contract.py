from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from firstline.connector import ChangeDraft, SandboxSettings
from firstline.incident import Reference
from firstline.testing.connector import (
    AttachmentsContract,
    ChangeRegisterContract,
    ConnectorContract,
    MeterContract,
    PollContract,
    RegistrationContract,
)
from firstline_jira.connector import JiraConnector
from firstline_jira.sandbox import create_app
from firstline_jira.sandbox.app import MANAGER
from firstline_jira.sandbox.record import stamp
from firstline_jira.sandbox.workflow import PLANNED
from firstline_jira.settings import JiraSettings
from firstline_jira.signature import HEADER, sign

PASSWORD = "an-api-token-nobody-has"

BODY = (
    b'{"timestamp": 1700000000000, "webhookEvent": "jira:issue_created", "issue_event_type_name": "issue_created",'
    b' "user": {"accountId": "5b10a2844c20165700ede21g"}, "issue": {"id": "10001", "key": "HELP-1", "fields":'
    b' {"summary": "The shop does not answer", "updated": "2023-11-14T22:13:20.000+0000"}}}'
)


class TestJira(
    ConnectorContract, ChangeRegisterContract, PollContract, MeterContract, RegistrationContract, AttachmentsContract
):
    @pytest.fixture(autouse=True)
    async def _closed(self, anyio_backend: str) -> AsyncIterator[None]:
        self._registers: list[JiraConnector] = []
        yield
        for register in self._registers:
            await register.aclose()

    def connector(self, base_url: str) -> JiraConnector:
        settings = JiraSettings.model_validate(
            {
                "base_url": base_url,
                "user": "hub@example.com",
                "api_token": PASSWORD,
                "webhook_secrets": [self.secret],
                "change": {"project": "HELP"},
            }
        )
        return JiraConnector("contract", settings)

    def register(self, base_url: str) -> JiraConnector:
        self._registers.append(self.connector(base_url))
        return self._registers[-1]

    def sandbox(self) -> Any:
        request = {
            "serviceDeskId": "1",
            "requestTypeId": "1",
            "requestFieldValues": {"summary": "The shop does not answer"},
        }
        return create_app(SandboxSettings(seed={"api_token": PASSWORD, "requests": [request]}))

    def incident(self) -> Reference:
        return Reference(connection="contract", kind="issue", id="10001", number="HELP-1")

    def notes(self, state: dict[str, Any]) -> list[str]:
        return [comment["text"] for issue in state["issues"] if issue["id"] == "10001" for comment in issue["comments"]]

    def webhook(self) -> tuple[dict[str, str], bytes]:
        return {HEADER: sign(self.secret.encode(), BODY), "x-atlassian-webhook-identifier": "w-1"}, BODY

    def passwords(self) -> list[str]:
        return [PASSWORD]

    def draft(self) -> ChangeDraft:
        start = datetime.now(UTC) + timedelta(hours=1)
        return ChangeDraft(
            key="contract-change",
            type="standard",
            template="Restart",
            short_description="Restart shop",
            planned_start=start,
            planned_end=start + timedelta(hours=1),
        )

    def normal(self) -> ChangeDraft:
        return self.draft().model_copy(update={"key": "contract-normal", "type": "normal", "template": ""})

    async def decide(self, base_url: str, change: Reference, *, approved: bool) -> str:
        decision = {"decision": "approve" if approved else "decline"}
        async with httpx.AsyncClient(base_url=base_url, auth=(MANAGER.email, PASSWORD), trust_env=False) as http:
            path = f"/rest/servicedeskapi/request/{change.id}/approval"
            (pending,) = (await http.get(path)).json()["values"]
            (await http.post(f"{path}/{pending['id']}", json=decision)).raise_for_status()
        return MANAGER.account_id

    async def reschedule(self, base_url: str, change: Reference, start: datetime, end: datetime) -> None:
        fields = dict(zip(PLANNED, map(stamp, (start, end)), strict=True))
        async with httpx.AsyncClient(base_url=base_url, auth=(MANAGER.email, PASSWORD), trust_env=False) as http:
            (await http.put(f"/rest/api/3/issue/{change.id}", json={"fields": fields})).raise_for_status()
