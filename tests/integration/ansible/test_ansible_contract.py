"""Playbooks as processes of this machine."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.ansible import stand_in

from firstline.executor import Executor, Handle
from firstline.testing.executor import Bench, ExecutorContract, Run


class PlaybookBench(Bench):
    """What is to be run stands in a playbook."""

    folder: Path

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        name = f"{fields.get('id', uuid4().hex)}-{run[0]}"
        parameters = stand_in.playbook(self.folder, name, run)
        return await super().start((), executor, folder=str(self.folder), parameters=parameters, **fields)


class TestAnsibleExecutor(ExecutorContract):
    def make(self, place: Path) -> Executor[Any]:
        return stand_in.make(place)

    def whitelist(self) -> set[str]:
        return {"PATH", "HOME", "LANG", "TZ", "LC_ALL", "ANSIBLE_CONFIG", "FIRSTLINE_EVENTS", "FIRSTLINE_SOCKETS"} | {
            "FIRSTLINE_OUTPUT"
        }

    @pytest.fixture
    async def bench(self, place: Path) -> AsyncIterator[Bench]:
        bench = PlaybookBench(lambda: self.make(place))
        bench.folder = place / "playbooks"
        yield bench
        await bench.aclose()
