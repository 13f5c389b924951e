"""The README says what is so, and the parts keep apart."""

import json
import re
import subprocess
import sys
from pathlib import Path

from firstline.connector import SandboxSettings
from firstline_pagerduty.sandbox import create_app
from firstline_pagerduty.settings import PagerDutySettings

TESTS = Path(__file__).parent


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
