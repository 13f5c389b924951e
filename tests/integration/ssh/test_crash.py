"""The crash matrix of runs on hosts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from tests.integration.ssh.conftest import settings_for
from tests.integration.ssh.wire import Wire, wire

from firstline.executor import Handle, State, Step
from firstline.testing.crash import CrashContract, Kill, Moment
from firstline.testing.sshd import Sshd, serve

MOMENTS = (Moment.STARTING, Moment.RUNNING)
LOST = frozenset({State.SUCCEEDED, State.UNKNOWN})


class TestSshCrashes(CrashContract):
    factory = "tests.integration.ssh.crash_ssh:make"
    may_end: ClassVar = {"supervisor": LOST, "all on the host": LOST}
    sshd: Sshd
    wire: Wire

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve() as self.sshd, wire(self.sshd.address, self.sshd.port) as self.wire:
            told = settings_for(self.sshd, port=self.wire.port, keepalive=0.2)
            (place / "settings.json").write_text(json.dumps(told))
            yield

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """The moments that tell most, for each kind; the soak plays them all."""
        if {"kind", "moment"} <= set(metafunc.fixturenames):
            metafunc.parametrize(("kind", "moment"), [*product(self.all_kills(), MOMENTS), ("sshd", Moment.FINISHED)])

    def step(self, place: Path, identity: str) -> Step:
        return super().step(place, identity).model_copy(update={"target": "web1"})

    def kills(self) -> dict[str, Kill]:
        return {
            "sshd session": self.kill_session,
            "sshd": self.kill_sshd,
            "agent": self.kill_agent,
            "supervisor": self.kill_supervisor,
            "all on the host": self.kill_all,
            "network cut": self.cut,
            "network silent": self.freeze,
        }

    async def kill_session(self, _: Path, __: Handle | None) -> None:
        self.sshd.kill_sessions()

    async def kill_sshd(self, _: Path, __: Handle | None) -> None:
        self.sshd.kill()
        self.sshd.start()

    async def kill_agent(self, _: Path, __: Handle | None) -> None:
        _kill([process for process in psutil.process_iter() if _is_agent(process)])

    async def kill_supervisor(self, place: Path, _: Handle | None) -> None:
        _kill(_holders(place))

    async def kill_all(self, place: Path, _: Handle | None) -> None:
        self.sshd.kill()
        _kill(_holders(place))
        self.sshd.start()

    async def cut(self, _: Path, __: Handle | None) -> None:
        self.wire.cut()

    async def freeze(self, _: Path, __: Handle | None) -> None:
        self.wire.freeze()


def _is_agent(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        parent = process.parent()
        return parent is not None and parent.name() == "sshd" and "python" in process.name()
    return False


def _holders(place: Path) -> list[psutil.Process]:
    """Who holds the lock of a run of this round: its supervisor, and before that who begins it."""
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            files = (_target(link) for link in Path(f"/proc/{process.pid}/fd").iterdir())
            if any(file.name == "lock" and file.is_relative_to(place / "kept") for file in files):
                found.append(process)
    return found


def _target(link: Path) -> Path:
    try:
        return link.readlink()
    except OSError:  # closed since
        return link


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
