"""Real programs that tests talk to. On a machine without one its tests are skipped, and say why; in CI that fails."""

import os
import shutil
from typing import NoReturn

import pytest


def need(program: str, package: str = "") -> str:
    """The path of a program. Without it the test is skipped, or fails where `CI` is set: there, nothing is left out."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if not found:
        without(f"{program} is not installed" + (f" (Debian's {package})" if package else ""))
    return found


def without(reason: str) -> NoReturn:
    """Leave a test out, for what its machine lacks."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; deploy/peers installs what tests need")
    pytest.skip(reason)
