"""The command that controls the demo's services, run as the runbooks run it."""

import subprocess
from pathlib import Path

import pytest

from firstline.demo import services
from firstline.demo.services import CARDS, RELAY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    services.install(tmp_path)
    return tmp_path


def run(folder: Path, verb: str, name: str) -> int:
    command = [str(folder / "service"), verb, name]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode


def test_a_service_that_is_down_is_up_again_after_a_restart_that_is_written_down(folder: Path) -> None:
    services.take_down(folder, CARDS)
    assert (run(folder, "down", "cards"), run(folder, "up", "cards"), run(folder, "up", "relay")) == (0, 1, 0)
    assert run(folder, "restart", "cards") == 0
    assert (run(folder, "down", "cards"), run(folder, "up", "cards")) == (1, 0)
    assert (len(services.restarts(folder, CARDS)), services.restarts(folder, RELAY)) == (1, [])


def test_one_that_a_restart_does_not_cure_stays_down(folder: Path) -> None:
    services.take_down(folder, CARDS, cured=False)
    assert run(folder, "restart", "cards") == 0
    assert run(folder, "up", "cards") == 1
