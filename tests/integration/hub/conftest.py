"""A whole hub on loopback, with PagerDuty's and ServiceNow's sandboxes: real HTTP, real processes, both databases."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import empty_database

from firstline import registry, settings
from firstline.access import Right, make_token
from firstline.cli import reach
from firstline.connector import SandboxSettings
from firstline.hub import Hub
from firstline.ledger import key as keys
from firstline.ledger.verify import verify
from firstline.store.table import INCIDENT
from firstline.testing.loopback import ask, serve
from firstline.testing.patience import eventually
from firstline.web.app import create_app

SECRET = "hook-secret"
PATIENT = 60.0  # seconds: how fast the answer comes is not what is tested
TOKEN = "Zx81-a-rest-token/with+odd=signs"  # PagerDuty's; shows nowhere

TOML = """
[hub]
database = "{database}"
environment = "test"

[connections.pagerduty]
connector = "pagerduty"
base_url = "{pagerduty}"
token = "file:secrets/pagerduty"
from_email = "firstline@example.com"
webhook_secrets = ["hook-secret"]
intake = {{way = "push"}}  # what the sandbox begins with is no news

[connections.servicenow]
connector = "servicenow"
base_url = "{servicenow}"
user = "firstline"
password = "firstline"
webhook_secrets = ["hook-secret"]
intake = {{way = "push"}}  # its troubles are for what a test asks of it, not for a poll

[changes]
register = "servicenow"
require_pin = false
follow = "1s"
"""

MAPPING = """
mappings:
  - id: mend
    when: incident.title.contains("does not answer")
    runbook: mend
    inputs: {{mark: "{folder}"}}
    mode: {mode}
    dedupe: ${{{{ incident.service }}}}
"""

RUNBOOK = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
description: Leaves a mark each time it runs.
inputs:
  mark: {{type: string, max_length: 300}}
targets: [shop]
change: {change}
before:
  - name: the fault is there
    run: {before}
steps:
  - name: mend
    run: ["./mend", "${{{{ inputs.mark }}}}"]
    timeout: 20s
after:
  - name: it is mended
    run: ["test", "-e", "${{{{ inputs.mark }}}}/mended"]
rollback:
  - name: put it back
    run: ["touch", "${{{{ inputs.mark }}}}/rolled-back"]
diagnose:
  - name: what it looks like
    run: ["echo", "the diagnosis"]
"""

MEND = '#!/bin/sh\necho ran >>"$1/runs"\necho mended it\n{extra}\n'


@dataclass
class Running:
    """A hub that runs, and what a test does with it."""

    url: str
    token: str
    marks: Path
    hub: Any  # firstline.hub.Hub where it runs in this process
    servicenow: str
    pagerduty: str
    stop: Callable[[], None] = lambda: None
    tampered: str = ""  # what a test has edited behind the hub's back: the only thing that may be found at its end

    def post(
        self, body: bytes, *, key: str = "d-1", secret: str = SECRET, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        signature = "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        signed = {"X-PagerDuty-Signature": signature, "X-Webhook-Id": key, **(headers or {})}
        return ask("POST", f"{self.url}/hooks/pagerduty", content=body, headers=signed, timeout=PATIENT)

    def get(self, path: str) -> Any:
        answer = ask(
            "GET",
            f"{self.url}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=PATIENT,
        )
        answer.raise_for_status()
        return answer.json()

    def act(self, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return ask("POST", f"{self.url}/api/v1/{path}", headers=headers, json=body, timeout=PATIENT)

    def state(self, vendor: str) -> Any:
        return ask("GET", f"{getattr(self, vendor)}/sandbox/state", timeout=PATIENT).json()

    def incident(self, number: int = 1) -> Any:
        """PagerDuty's incident as its sandbox has it now."""
        return next(one for one in self.state("pagerduty")["incidents"] if one["id"] == f"Q{number:05d}")

    def changes(self) -> list[dict[str, Any]]:
        """ServiceNow's changes as its sandbox has them now."""
        found: list[dict[str, Any]] = self.state("servicenow")["tables"]["change_request"]
        return found

    def remediation(self) -> Any:
        """The newest remediation, when it has ended and everything of it is written back or parked."""

        def look() -> Any:
            items = self.get("remediations")["items"]
            whole = self.get(f"remediations/{items[0]['id']}") if items else None
            settled = whole and all(one["state"] in ("done", "parked", "folded") for one in whole["write_backs"])
            return whole if settled and whole and whole["stage"] == "ended" else None

        return eventually(look)

    def views(self) -> list[dict[str, Any]]:
        """The hub's own view of each incident."""
        rows = self.hub.database.read_now(lambda c: c.execute(INCIDENT.select()).mappings().all())
        return [row["incident"] for row in rows]

    def runs(self) -> int:
        """How often the runbook's step really ran."""
        path = self.marks / "runs"
        return path.read_text().count("ran") if path.exists() else 0


def triggered(number: int = 1, **changes: Any) -> bytes:
    """A PagerDuty webhook body: an incident was triggered."""
    service = {
        "id": "PSHOP",
        "type": "service_reference",
        "summary": "shop",
        "self": "https://x/s",
        "html_url": "https://x/s",
    }
    record = {
        "id": f"Q{number:05d}",
        "type": "incident",
        "self": "https://x/i",
        "html_url": "https://x/i",
        "number": number,
        "status": "triggered",
        "title": "shop does not answer",
        "service": service,
        "assignees": [],
        "escalation_policy": None,
        "teams": [],
        "priority": None,
        "urgency": "high",
        "conference_bridge": None,
        "resolve_reason": None,
        **changes,
    }
    event = {
        "id": f"01EVENT{number:05d}",
        "event_type": "incident.triggered",
        "resource_type": "incident",
        "occurred_at": datetime.now(UTC).isoformat(),
        "agent": None,
        "client": None,
        "data": record,
    }
    return json.dumps({"event": event}).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def write_pack(folder: Path, marks: Path, *, mode: str, change: str, extra: str, before: str) -> None:
    (folder / "secrets").mkdir(parents=True, exist_ok=True)
    (folder / "secrets" / "pagerduty").write_text(TOKEN)
    runbook = folder / "mappings" / "shop" / "runbooks" / "mend"
    runbook.mkdir(parents=True, exist_ok=True)
    (folder / "mappings" / "shop" / "mapping.yaml").write_text(MAPPING.format(folder=marks, mode=mode))
    (runbook / "runbook.yaml").write_text(RUNBOOK.format(change=change, before=before))
    (runbook / "mend").write_text(MEND.format(extra=extra))
    (runbook / "mend").chmod(0o755)


STANDARD = '{type: standard, template: "Restart web process", risk: "It is down already."}'
HOLDS = '["true"]'
MENDS = 'touch "$1/mended"'

Start = Callable[..., Running]


# Where what happens depends on how the database keeps, locks or loses. The parts' own tests try both anyway.
both_databases = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return empty_database(request, tmp_path)


@pytest.fixture
def start(folder: Path, tmp_path: Path, database_url: str) -> Iterator[Start]:
    """`start(mode=..., change=..., extra=...)` writes the folder and runs a hub on it."""
    running: list[Running] = []
    with ExitStack() as stack:
        incidents = [{"id": f"Q{n:05d}", "title": "shop does not answer", "service": "PSHOP01"} for n in range(1, 30)]
        seeds: dict[str, dict[str, Any]] = {"servicenow": {}, "pagerduty": {"incidents": incidents}}
        addresses = {
            name: stack.enter_context(serve(registry.sandbox(name)(SandboxSettings(hook_secret=SECRET, seed=seed))))
            for name, seed in seeds.items()
        }

        def run(*, mode: str = "auto", change: str = "none", extra: str = MENDS, before: str = HOLDS) -> Running:
            marks = tmp_path / "marks"
            marks.mkdir(exist_ok=True)
            write_pack(folder, marks, mode=mode, change=change, extra=extra, before=before)
            (folder / "firstline.toml").write_text(TOML.format(database=database_url, **addresses))
            hub = Hub(settings.load(folder))
            hub.database.create()
            token = hub.database.write_now(lambda c: make_token(c, "ada", list(Right)))
            serving = stack.enter_context(ExitStack())
            url = serving.enter_context(serve(create_app(hub)))
            running.append(Running(url, token, marks, hub, **addresses, stop=serving.close))
            return running[-1]

        yield run
    # Whatever a test let the hub do: every row that the ledger binds is as the ledger tells it.
    known = settings.load(folder)
    with reach.reading(known) as connection:
        verdict = verify(connection, keys.folder(known).verifiers(), list(keys.folder(known).notes()))
    tampered = [one.tampered for one in running if one.tampered]
    assert all(any(each in str(told) for each in tampered) for told in verdict.findings.told), verdict.findings.told
