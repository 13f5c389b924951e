"""The quality file and the README say what is so."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from firstline.connector import SandboxSettings
from firstline_pagerduty.sandbox import create_app
from firstline_pagerduty.settings import PagerDutySettings

TESTS = Path(__file__).parent
RULES: dict[str, dict[str, Any]] = yaml.safe_load((TESTS.parent / "quality.yaml").read_text())["rules"]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_done_where_it_says_or_gives_its_reason(name: str) -> None:
    rule = RULES[name]
    if rule["status"] == "done":
        assert (TESTS / rule["by"]).is_file()
    else:
        assert rule["status"] in ("todo", "exempt")
        assert rule["why"]


def test_each_test_file_is_named_by_a_rule() -> None:
    about_the_connector = {path.name for path in TESTS.glob("test_*.py")} - {
        "test_quality.py",
        "test_fetch.py",
        "test_sandbox_events.py",
        "test_sandbox_page.py",
    }
    assert about_the_connector == {rule["by"] for rule in RULES.values() if rule["status"] == "done"}


def test_the_connector_does_not_lean_on_its_sandbox() -> None:
    look = "import sys, firstline_pagerduty.connector; print([name for name in sys.modules if '.sandbox' in name])"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True).stdout == "[]\n"


def test_one_module_alone_knows_the_vendors_client() -> None:
    sources = (TESTS.parent / "src").rglob("*.py")
    knowing = [
        path.name for path in sources if re.search(r"^(from|import) (pagerduty|httpx2)\b", path.read_text(), re.M)
    ]
    assert knowing == ["rest.py"]


def test_the_readmes_seed_is_one() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", (TESTS.parent / "README.md").read_text(), re.S)
    assert create_app(SandboxSettings(seed=json.loads(example)))


def test_the_readme_names_each_setting() -> None:
    readme = (TESTS.parent / "README.md").read_text()
    assert (
        set(re.findall(r"^\| `(\w+)` \| (?:required|empty|30|`https)", readme, re.M))
        == PagerDutySettings.model_fields.keys()
    )
