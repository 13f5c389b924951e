"""The suites that every connector and every change register pass."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import CI, INCIDENT, PASSWORD, sandbox, settings

from firstline.connector import ChangeDraft, ChangeRegister
from firstline.incident import Reference
from firstline.testing.connector import (
    AttachmentsContract,
    ChangeRegisterContract,
    ConnectorContract,
    MeterContract,
    PollContract,
    RegistrationContract,
)
from firstline_servicenow import signature
from firstline_servicenow.connector import ServiceNowConnector
from firstline_servicenow.record import written

REFERENCE = Reference(connection="contract", kind="incident", id=INCIDENT, number="INC0010001")


class TestServiceNowHonoursTheContract(
    ConnectorContract, PollContract, MeterContract, RegistrationContract, AttachmentsContract
):
    def connector(self, base_url: str) -> ServiceNowConnector:
        return ServiceNowConnector("contract", settings(base_url, webhook_secrets=self.secret))

    def sandbox(self) -> Any:
        return sandbox()

    def incident(self) -> Reference:
        return REFERENCE

    def notes(self, state: dict[str, Any]) -> list[str]:
        journal = state["tables"]["sys_journal_field"]
        return [entry["value"] for entry in journal if entry["element_id"] == INCIDENT]

    def webhook(self) -> tuple[dict[str, str], bytes]:
        body = json.dumps(
            {
                "table": "incident",
                "operation": "insert",
                "sys_id": INCIDENT,
                "sys_mod_count": 0,
                "sys_updated_on": "2026-11-22 21:04:59",
                "sys_updated_by": "admin",
                "record": {"number": {"value": "INC0010001", "display_value": "INC0010001"}, "state": "1"},
            }
        ).encode()
        headers = {
            signature.SIGNATURE: signature.sign(self.secret, body),
            signature.DELIVERY: f"{INCIDENT}:0",
        }
        return headers, body

    def passwords(self) -> list[str]:
        return [PASSWORD]


class TestServiceNowKeepsChanges(ChangeRegisterContract):
    @pytest.fixture(autouse=True)
    async def _closed(self) -> AsyncIterator[None]:
        self.made: list[ServiceNowConnector] = []
        yield
        for connector in self.made:
            await connector.aclose()

    def register(self, base_url: str) -> ChangeRegister:
        self.made.append(ServiceNowConnector("contract", settings(base_url)))
        return self.made[-1]

    def sandbox(self) -> Any:
        return sandbox()

    def draft(self) -> ChangeDraft:
        now = datetime.now(UTC)
        return ChangeDraft(
            key="firstline-1",
            type="standard",
            template="Restart web process",
            short_description="Restart the shop",
            ci=CI,
            planned_start=now,
            planned_end=now + timedelta(minutes=10),
            incident=REFERENCE,
        )

    def normal(self) -> ChangeDraft:
        return self.draft().model_copy(update={"key": "firstline-2", "type": "normal", "template": ""})

    async def decide(self, base_url: str, change: Reference, *, approved: bool) -> str:
        async with httpx.AsyncClient(
            base_url=base_url, auth=("david.loo", "david.loo"), trust_env=False, verify=False
        ) as david:
            asked = f"sysapproval={change.id}^approver.user_name=david.loo^state=requested"
            rows = await david.get("/api/now/table/sysapproval_approver", params={"sysparm_query": asked})
            (row,) = rows.json()["result"]
            answer = {"state": "approved" if approved else "rejected", "comments": "Said David."}
            path = f"/api/now/table/sysapproval_approver/{row['sys_id']}"
            (await david.patch(path, json=answer)).raise_for_status()
        return "david.loo"

    async def reschedule(self, base_url: str, change: Reference, start: datetime, end: datetime) -> None:
        async with httpx.AsyncClient(
            base_url=base_url, auth=("admin", "admin"), trust_env=False, verify=False
        ) as manager:
            times = {"start_date": written(start), "end_date": written(end)}
            (await manager.patch(f"/api/sn_chg_rest/change/{change.id}", json=times)).raise_for_status()
