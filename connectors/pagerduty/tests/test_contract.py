"""The suite that every connector passes, for PagerDuty."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from firstline.connector import SandboxSettings
from firstline.incident import Reference
from firstline.testing.connector import ConnectorContract, MeterContract, PollContract, RegistrationContract
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app
from firstline_pagerduty.settings import PagerDutySettings

INCIDENT = "Q3B15VLMF3ASBD"
TOKEN = "y_NbAkKc66ryYTWUXYEu"


class TestPagerDuty(ConnectorContract, PollContract, MeterContract, RegistrationContract):
    def connector(self, base_url: str) -> PagerDutyConnector:
        settings = PagerDutySettings.model_validate(
            {
                "base_url": base_url,
                "token": TOKEN,
                "from_email": "firstline@example.com",
                "webhook_secrets": self.secret,
                "own_user_id": "PFIRSTL",
            }
        )
        return PagerDutyConnector("contract", settings)

    def sandbox(self) -> Any:
        at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        incident = {"id": INCIDENT, "title": "The shop does not answer", "service": "PSHOP01", "created_at": at}
        return create_app(SandboxSettings(seed={"incidents": [incident], "token": TOKEN}))

    def incident(self) -> Reference:
        return Reference(connection="contract", kind="incident", id=INCIDENT, number="#1")

    def notes(self, state: dict[str, Any]) -> list[str]:
        return [note["content"] for one in state["incidents"] if one["id"] == INCIDENT for note in one["notes"]]

    def webhook(self) -> tuple[dict[str, str], bytes]:
        event = {
            "id": "01GI0JWUU28G8XE5M6IIT4BZ39",
            "event_type": "incident.triggered",
            "occurred_at": "2026-04-01T02:08:04.642Z",
            "data": {"id": INCIDENT, "type": "incident", "status": "triggered", "number": 1, "title": "It is down"},
        }
        body = json.dumps({"event": event}).encode()
        signature = hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        return {"x-pagerduty-signature": f"v1={signature}"}, body

    def passwords(self) -> list[str]:
        return [TOKEN, TOKEN[-4:]]
