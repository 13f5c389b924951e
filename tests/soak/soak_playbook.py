"""`make soak`: real ansible-playbook runs on a real sshd, and whatever is between the hub and the work is killed.

What a task puts into a session of its own goes on when its connection is gone, as the reference says: not tried."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import psutil
from pydantic import JsonValue

from firstline.executor import Handle, State, Step
from firstline.executors.process.run_directory import RunDirectory
from firstline.testing.crash import CrashContract, Kill
from firstline.testing.patience import eventually
from firstline.testing.sshd import Sshd, serve

LOST = frozenset({State.SUCCEEDED, State.UNKNOWN})
CUT = frozenset({State.SUCCEEDED, State.FAILED})
WORK = """
echo $$ >> {{ place }}/workers; echo {{ identity }} >> {{ place }}/begun; sleep {{ lasts }}
echo {{ identity }} >> {{ place }}/ended
"""
PLAYBOOK = [{"hosts": "all", "gather_facts": False, "tasks": [{"name": "work", "ansible.builtin.shell": WORK}]}]


class TestPlaybookCrashes(CrashContract):
    factory = "tests.soak.playbook:make"
    rounds = int(os.environ.get("PLAYBOOK_KILLS", "3"))
    lasts = 0.5
    may_end: ClassVar = {
        "supervisor": LOST,
        "ansible-playbook": LOST | CUT,
        "its workers": LOST | CUT | {State.TIMED_OUT},  # Ansible may wait for a dead one
        "sshd session": CUT,
        "sshd": CUT,
    }
    sshd: Sshd

    @contextmanager
    def stage(self, place: Path) -> Iterator[None]:
        with serve() as self.sshd:
            (place / "known_hosts").write_text(self.sshd.known_hosts)
            host = {"address": self.sshd.address, "port": self.sshd.port, "python": sys.executable}
            settings = {
                "known_hosts": str(place / "known_hosts"),
                "user": self.sshd.user,
                "private_key": str(self.sshd.client_key),
                "kill_grace": 2.0,
                "hosts": {"web1": host},
            }
            (place / "settings.json").write_text(json.dumps(settings))
            (place / "playbook.yaml").write_text(json.dumps(PLAYBOOK))
            yield

    def step(self, place: Path, identity: str) -> Step:
        told: dict[str, JsonValue] = {"place": str(place), "identity": identity, "lasts": self.lasts}
        parameters: dict[str, JsonValue] = {"playbook": "playbook.yaml", "variables": told}
        return Step(id=identity, folder=str(place.parent), targets=("web1",), parameters=parameters, timeout=12.0)

    def left(self, place: Path) -> list[Any]:
        """sshd has moments to see that its connection is gone."""
        with suppress(AssertionError):
            eventually(lambda: not super(TestPlaybookCrashes, self).left(place), 5)
        return super().left(place)

    def kills(self) -> dict[str, Kill]:
        return {
            "supervisor": self.kill_supervisor,
            "ansible-playbook": self.kill_playbook,
            "its workers": self.kill_workers,
            "sshd session": self.kill_session,
            "sshd": self.kill_sshd,
        }

    async def kill_supervisor(self, _: Path, handle: Handle | None) -> None:
        for playbook in _playbook(handle):
            _kill(playbook.parents()[:1])

    async def kill_playbook(self, _: Path, handle: Handle | None) -> None:
        _kill(_playbook(handle))

    async def kill_workers(self, _: Path, handle: Handle | None) -> None:
        for playbook in _playbook(handle):
            with suppress(psutil.NoSuchProcess):
                _kill(playbook.children())

    async def kill_session(self, _: Path, __: Handle | None) -> None:
        self.sshd.kill_sessions()

    async def kill_sshd(self, _: Path, __: Handle | None) -> None:
        self.sshd.kill()
        self.sshd.start()


def _playbook(handle: Handle | None) -> list[psutil.Process]:
    process = RunDirectory(Path(handle.where)).process() if handle else {}
    with suppress(psutil.NoSuchProcess):
        return [psutil.Process(process["id"])] if process else []
    return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
