"""What the tests of functions share."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration.python_executor.package import MODULE, install

from firstline.executors.python.executor import PythonExecutor
from firstline.executors.python.settings import PythonSettings
from firstline.testing.executor import Bench


@pytest.fixture(scope="module", autouse=True)
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("packages")
    install(folder)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop(MODULE, None)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
async def bench(runs: Path) -> AsyncIterator[Bench]:
    bench = Bench(lambda: PythonExecutor(PythonSettings(directory=runs, kill_grace=0.3)))
    yield bench
    await bench.aclose()
