"""Processes as the kernel lists them in /proc (proc(5)), told apart from later ones that got the same number."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Process(NamedTuple):
    """`started` counts clock ticks from boot; with the number it names one process until the machine restarts."""

    id: int
    started: int
    parent: int
    session: int
    name: str
    state: str
    ticks: int  # of processor time, its own and of the children it has reaped


def boot() -> str:
    """A name for the time since the machine started: process numbers and start times begin anew after it."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def look(process_id: int) -> Process | None:
    """The process with this number, or None."""
    try:
        with open(f"{PROC}/{process_id}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - many at a time
            stat = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may itself hold some, blanks too; fields after it are plain.
    before, _, after = stat.rpartition(b")")
    fields = after.split()
    name = before.partition(b"(")[2].decode(errors="replace")
    ticks = sum(map(int, fields[11:15]))
    return Process(process_id, int(fields[19]), int(fields[1]), int(fields[3]), name, fields[0].decode(), ticks)


def everybody() -> Iterator[Process]:
    for entry in os.listdir(PROC):  # noqa: PTH208 - a Path for each would double the cost
        if entry.isdigit() and (process := look(int(entry))):
            yield process


def children() -> list[int]:
    """Our own children, by the kernel's list of them, proc(5), where it is built to keep one: looking through all
    processes takes so long that those who multiply are away."""
    try:
        own = [(task / "children").read_text() for task in (PROC / "self/task").iterdir()]
    except FileNotFoundError:
        return [process.id for process in everybody() if process.parent == os.getpid()]
    return [int(word) for word in " ".join(own).split()]


def descendants(ancestor: int) -> list[Process]:
    """Children, and theirs, of a process; without those that have ended and wait to be reaped."""
    return _below([ancestor], list(everybody()))


def session(leader: int, started: int) -> list[Process]:
    """Who is left of the session that a process began, with their descendants, when that process started at
    `started`. Empty when the number belongs to somebody else by now."""
    processes = list(everybody())
    if any(process.id == leader and process.started != started for process in processes):
        return []
    members = [process for process in processes if process.session == leader and process.started >= started]
    below = _below([member.id for member in members], processes)
    return [process for process in dict.fromkeys(members + below) if process.state != "Z"]


def marked(mark: bytes) -> list[Process]:
    """Who has this NAME=value in the environment it was begun with, as far as we may look: our own, or all to root."""
    found = []
    for process in everybody():
        with suppress(OSError):
            environment = (PROC / str(process.id) / "environ").read_bytes()
            if process.state != "Z" and mark in environment.split(b"\0"):
                found.append(process)
    return found


def send(process: Process, number: signal.Signals) -> None:
    """Signal this very process: nobody else, should its number have been given away meanwhile. One that is gone, or
    that belongs to another user, stays as it is."""
    with suppress(ProcessLookupError, PermissionError):
        if not hasattr(os, "pidfd_open"):  # Python 3.8: what lies between look and signal is left to luck
            if _is_still(process):
                os.kill(process.id, number)
            return
        descriptor = os.pidfd_open(process.id)
        try:
            if _is_still(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _is_still(process: Process) -> bool:
    now = look(process.id)
    return now is not None and now.started == process.started


def _below(ancestors: list[int], processes: list[Process]) -> list[Process]:
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = list(ancestors)
    while waiting:
        offspring = children.get(waiting.pop(), [])
        found += offspring
        waiting += [process.id for process in offspring]
    return [process for process in found if process.state != "Z"]
