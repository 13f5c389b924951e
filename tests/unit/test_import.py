"""No module needs another to have been imported before it."""

import subprocess
import sys

import pytest

# Where imports come nearest to a circle: each of these is imported first by somebody.
FIRST = (
    "firstline.remediation.context",
    "firstline.remediation.change.closing",
    "firstline.remediation.hold.admission",
    "firstline.remediation.notification.notify",
    "firstline.remediation.run.procedure",
    "firstline.evidence.export",
)


@pytest.mark.parametrize("module", FIRST)
def test_a_module_is_imported_first(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
