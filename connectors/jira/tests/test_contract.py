from collections.abc import AsyncIterator
from typing import Any

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
        return ChangeDraft(key="contract-change", type="standard", template="Restart", short_description="Restart shop")
