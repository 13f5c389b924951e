"""The crash matrix of commands."""

from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import psutil

from firstline.executor import Handle, State
from firstline.testing.crash import CrashContract, Kill, hub_of, kill_hub

LOST = frozenset({State.SUCCEEDED, State.UNKNOWN})


class TestCommandCrashes(CrashContract):
    factory = "tests.integration.executors.crash_command:make"
    may_end: ClassVar = {"supervisor": LOST, "all but the command": LOST}

    def kills(self) -> dict[str, Kill]:
        return {"launcher": kill_launcher, "supervisor": kill_supervisor, "all but the command": kill_all}


async def kill_launcher(place: Path, _: Handle | None) -> None:
    _kill(_children(hub_of(place)))


async def kill_supervisor(place: Path, _: Handle | None) -> None:
    _kill(_supervisors(place))


async def kill_all(place: Path, handle: Handle | None) -> None:
    launchers, supervisors = _children(hub_of(place)), _supervisors(place)
    await kill_hub(place, handle)
    _kill([*launchers, *supervisors])


def _supervisors(place: Path) -> list[psutil.Process]:
    return [process for launcher in _children(hub_of(place)) for process in _children(launcher.pid)]


def _children(process: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).children()
    return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
