from collections.abc import Callable
from typing import Any

import pytest

from firstline.change.text import Case
from firstline.incident import Incident, Reference
from firstline.runbook import Change, Check, Command, Limits, ResolvedRunbook

MakeCase = Callable[..., Case]


def command(name: str, *run: str, target: str = "shop1") -> Command:
    return Command(name=name, target=target, executor="command", run=run, environment={}, timeout=30)


def check(name: str, *run: str, **times: float) -> Check:
    """`times`: within, every, hold."""
    declared = {"within": 0, "every": 1, "hold": 0, **times}
    one = {"name": name, "target": "shop1", "executor": "command", "run": run, "environment": {}, "timeout": 30}
    return Check.model_validate({**one, **declared})


@pytest.fixture
def make_case() -> MakeCase:
    """A case for a restart of a web process; `runbook` replaces parts of its runbook."""

    def make(*, runbook: dict[str, Any] | None = None, **parts: Any) -> Case:
        declared: dict[str, Any] = {
            "id": "restart-web",
            "version": "1.2.0",
            "owner": "team-shop",
            "title": "Restart a hung web process",
            "description": "Stops it, starts it.",
            "runbook_digest": "d" * 64,
            "inputs": {},
            "targets": ("shop1",),
            "change": Change(type="standard", template="Restart", ci="shop", risk="Sessions are lost.", backout=""),
            "limits": Limits(timeout=60, output=65_536),
            "before": (check("it hangs", "./probe"),),
            "steps": (command("restart", "./restart", "the shop"),),
            "after": (check("it answers", "./probe", within=30, hold=120),),
            "rollback": (),
            "diagnose": (),
        }
        reference = Reference(connection="servicenow", kind="incident", id="0" * 32, number="INC0012345")
        given: dict[str, Any] = {
            "incident": Incident(reference=reference, title="The shop does not answer", priority=2),
            "plan_digest": "a" * 64,
            "mapping": "shop/web-hung",
            "mode": "approve",
            "environment": "prod",
        }
        return Case(runbook=ResolvedRunbook(**{**declared, **(runbook or {})}), **{**given, **parts})

    return make
