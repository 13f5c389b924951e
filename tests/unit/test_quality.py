"""Every connector says of each rule whether it holds it, and where that shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2] / "connectors"
CONNECTORS = sorted(path.parent.name for path in ROOT.glob("*/pyproject.toml"))

RULES = {
    "contract-suite",
    "signature-over-raw-bytes",
    "secret-rotation",
    "duplicate-deliveries",
    "captured-webhooks",
    "malformed-input",
    "every-status-is-the-right-error",
    "retry-after",
    "no-retries-of-its-own",
    "notes-once",
    "notes-fit-the-limit",
    "states-read-back",
    "updates-read-back",
    "attachments-once",
    "changes-find-or-create",
    "never-approves",
    "own-echoes",
    "one-stream",
    "poll-pages",
    "poll-survives-late-rows",
    "reconciliation-by-opening",
    "webhook-registration",
    "budget-headers",
    "links",
    "check-names-the-mend",
    "secrets-not-shown",
    "identifiers-checked",
    "official-schema",
    "sandbox",
    "sandbox-chaos",
    "sign-in-kinds",
    "real-instance",
}


@pytest.fixture(params=CONNECTORS)
def connector(request: pytest.FixtureRequest) -> Path:
    return ROOT / str(request.param)


@pytest.fixture
def rules(connector: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((connector / "quality.yaml").read_text())["rules"]
    return found


def test_every_rule_is_answered_and_no_other(rules: dict[str, Any]) -> None:
    assert set(rules) == RULES


def test_what_is_done_names_a_test_that_is_there(connector: Path, rules: dict[str, dict[str, Any]]) -> None:
    done = {name: rule for name, rule in rules.items() if rule["status"] == "done"}
    missing = {name for name, rule in done.items() if not (connector / str(rule.get("where"))).is_file()}
    assert missing == set()


def test_what_is_not_done_says_why(rules: dict[str, dict[str, Any]]) -> None:
    silent = {name for name, rule in rules.items() if rule["status"] != "done" and not rule.get("why")}
    assert silent == set()


def test_a_rule_is_done_or_to_do_or_exempt(rules: dict[str, dict[str, Any]]) -> None:
    assert {rule["status"] for rule in rules.values()} <= {"done", "todo", "exempt"}
