"""What a run may use of its machine.

Two things hold it. The kernel's limits on each process, setrlimit(2), which cost nothing and act at once; and the
supervisor, which adds up what the run's processes use, a few times a second, and kills the run that has more: no
limit of the kernel is on several processes together but those of control groups, which belong to root.
"""

from __future__ import annotations

import os
import resource
import time
from math import ceil
from typing import TypedDict

from firstline.executors.process import tree

PERIOD = 0.25  # seconds between two looks at what a run uses
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Bounds(TypedDict, total=False):
    """Seconds of processor time, bytes, a count. Absent: as much as there is. `beside`: how many processes are not
    counted, because they are what holds the command."""

    cpu: float
    memory: int
    file_size: int
    processes: int
    beside: int


def limits(bounds: Bounds) -> list[str]:
    """Arguments of prlimit(1) for each process. Memory is what it may write to and shares with nobody (RLIMIT_DATA);
    RLIMIT_AS would count what is only reserved, of which some runtimes take terabytes."""
    found = {
        "--cpu": ceil(bounds["cpu"]) if "cpu" in bounds else None,
        "--data": bounds.get("memory"),
        "--fsize": bounds.get("file_size"),
    }
    return [f"{option}={value}" for option, value in found.items() if value is not None]


class Meter:
    """Adds up what the descendants of this process use."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.is_needed = bool({"cpu", "memory", "processes"} & set(bounds))
        self._next = time.monotonic()

    def excess(self) -> str:
        """What they use too much of, in words; looks once in `PERIOD`."""
        if not self.is_needed or time.monotonic() < self._next:
            return ""
        self._next = time.monotonic() + PERIOD
        processes = tree.descendants(os.getpid())
        if len(processes) - self._bounds.get("beside", 0) > self._bounds.get("processes", len(processes)):
            return f"more than {self._bounds['processes']} processes at a time"
        if "cpu" in self._bounds and _seconds(processes) > self._bounds["cpu"]:
            return f"more than {self._bounds['cpu']:g} seconds of processor time"
        if "memory" in self._bounds and sum(map(_memory, processes)) > self._bounds["memory"]:
            return f"more than {self._bounds['memory']} bytes of memory"
        return ""


def _seconds(processes: list[tree.Process]) -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + sum(process.ticks for process in processes) / _TICKS


def _memory(process: tree.Process) -> int:
    """Resident bytes that it shares with nobody, proc(5): what files and libraries take is not its own."""
    try:
        fields = (tree.PROC / str(process.id) / "statm").read_bytes().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE
