"""The processes that the demo starts: each in a session of its own, all of them found again by a mark."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from firstline.errors import Misdeclared

MARK = "FIRSTLINE_DEMO"  # in the environment of all that the demo starts: the path of its folder
PORTS = range(15_000, 32_000)
GRACE = 5.0  # seconds a process has to end when it is asked to


class Processes:
    """Starts processes by name and stops them. `stop_all` leaves none, those that they started included."""

    def __init__(self, root: Path, logs: Path) -> None:
        self.root = root
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start `command`; what it prints is appended to `logs/<name>.log`."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - the demo's own commands
                list(command),
                env={**os.environ, **(environment or {}), MARK: str(self.root)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ended(self) -> dict[str, int]:
        """Those that ended by themselves, with their exit status."""
        return {name: process.returncode for name, process in self.running.items() if process.poll() is not None}

    def kill(self, name: str) -> None:
        """As `kill -9` does: no farewell. Only the one process, not what it has started."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop_all(self, grace: float = GRACE) -> None:
        """Ask each to end, kill those that don't, and whatever any of them has left behind. Ctrl-C is not heard
        meanwhile: a second one would leave some of them running."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self._end_all(grace)
        finally:
            signal.signal(signal.SIGINT, before)

    def _end_all(self, grace: float) -> None:
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + grace
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        sweep(self.root)
        for process in self.running.values():
            process.wait()
        self.running.clear()


def sweep(root: Path) -> int:
    """Kill whatever an earlier or this demo in the same folder has left, and say how many there were. They are found
    by the mark in their environment, which nothing else carries. Returns when they are gone."""
    found: set[int] = set()
    deadline = time.monotonic() + GRACE
    while (left := set(marked(root))) and time.monotonic() < deadline:
        found |= left
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    return len(found)


def marked(root: Path) -> Iterator[int]:
    """The processes that carry this folder's mark. None where the system has no /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        # It may end while we look, and others' environments are not ours to read.
        with suppress(OSError):
            if int(entry.name) != os.getpid() and _is_marked(entry, root):
                yield int(entry.name)


def _is_marked(entry: Path, root: Path) -> bool:
    try:
        return f"{MARK}={root}".encode() in (entry / "environ").read_bytes().split(b"\0")
    except PermissionError:  # a hub closes its environment to its own account too; its command line names its folder
        ours = f"\nUid:\t{os.getuid()}\t" in (entry / "status").read_text(encoding="utf-8")
        line = os.fsdecode((entry / "cmdline").read_bytes())
        return ours and any(each.startswith(f"{root}/") for each in line.split("\0"))


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now, from a range out of which no system gives ports to connections of
    its own: what is free stays free until it is used."""
    with ExitStack() as sockets:
        found: list[int] = []
        for port in random.sample(PORTS, len(PORTS)):
            taken = sockets.enter_context(socket.socket())
            with suppress(OSError):
                taken.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
        raise Misdeclared("too few ports are free on 127.0.0.1")
