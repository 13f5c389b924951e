"""What the tests of commands share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from firstline.executors.command import CommandExecutor, CommandSettings
from firstline.testing.executor import Bench


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
async def bench(runs: Path) -> AsyncIterator[Bench]:
    bench = Bench(lambda: CommandExecutor(CommandSettings(directory=runs, kill_grace=0.3)))
    yield bench
    await bench.aclose()
