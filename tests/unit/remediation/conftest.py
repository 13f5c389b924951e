from collections.abc import Callable
from typing import Any

import pytest

from firstline.incident import Incident, Reference
from firstline.remediation.plan import Plan
from firstline.runbook import Change, Check, Command, Limits, ResolvedRunbook

MakePlan = Callable[..., Plan]


def _one(name: str, *run: str) -> dict[str, Any]:
    return {"name": name, "target": "shop", "executor": "command", "run": run, "environment": {}, "timeout": 30.0}


@pytest.fixture
def make_plan() -> MakePlan:
    """A plan for a restart; `runbook` replaces parts of its runbook."""

    def make(*, runbook: dict[str, Any] | None = None, **changes: Any) -> Plan:
        check: dict[str, Any] = {"http": None, "within": 0.0, "every": 1.0, "hold": 0.0}
        parts: dict[str, Any] = {
            "id": "restart-web",
            "version": "1.2.0",
            "owner": "team-shop",
            "title": "Restart a hung web process",
            "description": "Stops it, starts it.",
            "runbook_digest": "d" * 64,
            "inputs": {"app": "shop"},
            "targets": ("shop",),
            "change": Change(type="standard", template="Restart web process", ci="shop", risk="", backout=""),
            "limits": Limits(timeout=60, output=65_536),
            "before": (Check(**_one("the fault is there", "./probe"), **check),),
            "steps": (Command(**_one("restart", "./restart", "shop")),),
            "after": (Check(**_one("the shop answers", "./probe"), **check),),
            "rollback": (),
            "diagnose": (),
        }
        resolved = ResolvedRunbook(**{**parts, **(runbook or {})})
        return Plan(
            **{"mapping": "shop/web-hung", "mode": "auto", "environment": "prod", "runbook": resolved, **changes}
        )

    return make


@pytest.fixture
def incident() -> Incident:
    reference = Reference(connection="servicenow", kind="incident", id="0" * 32, number="INC0012345")
    return Incident(reference=reference, title="shop does not answer")
