"""The course of a remediation, stage by stage: a hub that the test turns by hand."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from time import time_ns
from typing import Any

import pytest
from tests.integration.course.folder import SECRET
from tests.integration.course.stage import Make, Stage, close, make

from firstline import registry
from firstline.connector import SandboxSettings
from firstline.store import Database, clock, identifier
from firstline.testing.loopback import serve

FAULT = {"short_description": "shop does not answer", "caller_id": "", "state": "1"}  # in ServiceNow


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, to be copied: that takes a tenth of the time of making them."""
    path = tmp_path_factory.mktemp("made") / "firstline.db"
    database = Database(f"sqlite:///{path}")
    database.create()
    database.close()
    return path


@pytest.fixture
def database_url(made: Path, tmp_path: Path) -> str:
    """The gate's locks and the engine are tried on both; the course asks nothing of the database that they don't."""
    shutil.copy(made, tmp_path / "firstline.db")
    return f"sqlite:///{tmp_path}/firstline.db"


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """By how many nanoseconds the clock was moved on."""
    by = [0]
    monkeypatch.setattr(clock, "time_ns", lambda: time_ns() + by[0])
    monkeypatch.setattr(identifier, "_last", identifier._last)  # or the next test's ids would lie in the future too
    return by


@pytest.fixture
def vendors() -> Iterator[Callable[[str], str]]:
    """`vendors(name)` serves a vendor's sandbox and gives its address."""
    incidents = [{"id": f"Q{n:05d}", "title": "shop does not answer", "service": "PSHOP01"} for n in range(1, 6)]
    with ExitStack() as stack:

        def run(name: str) -> str:
            seed = (
                {"incidents": incidents}
                if name == "pagerduty"
                else {"incident": [FAULT]}
                if name == "servicenow"
                else {}
            )
            made = registry.sandbox(name)(SandboxSettings(hook_secret=SECRET, seed=seed))
            return stack.enter_context(serve(made))

        yield run


@pytest.fixture
async def stage(
    tmp_path: Path, database_url: str, moved: list[int], vendors: Callable[[str], str]
) -> AsyncIterator[Make]:
    """`await stage(...)` writes a folder and makes a hub of it; at the end its ledger must tell of every row."""
    stages: list[Stage] = []
    async with AsyncExitStack() as stack:

        async def build(register: str = "", **how: Any) -> Stage:
            made = make(tmp_path, database_url, moved, vendors, register, how)
            stack.push_async_callback(close, made.hub)
            stages.append(made)
            return made

        yield build
        for each in stages:
            assert each.manipulated() == []
