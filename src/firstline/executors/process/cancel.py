"""Ends a run from outside, and with it all that it began."""

from __future__ import annotations

import os
import signal
import time

from firstline.executors.process import tree
from firstline.executors.process.look import DAMAGED, NOT_THERE, remains, wake
from firstline.executors.process.request import PATIENCE
from firstline.executors.process.run_directory import RunDirectory, Standing

PAUSE = 0.005  # seconds between two looks


class NotNow(Exception):
    """It goes on so far; asking again may help."""


class NotKnown(Exception):
    """What became of it can't be told."""


def cancel(run: RunDirectory, grace: float) -> None:
    """Return when nothing of it is left. `grace`: seconds from SIGTERM to SIGKILL. One that has not begun never will.
    Raises `NotNow` and `NotKnown`."""
    try:
        _ask(run, grace + 2 * PATIENCE)
    except NotNow:  # it can't hear, so its work is ended without it
        end_remains(run, grace)
        _ask(run, PATIENCE)
    standing = run.standing()
    if standing is Standing.NEW:
        _never_begin(run)
    elif standing is not Standing.ENDED:
        end_remains(run, grace)
        if standing is Standing.ABSENT:
            raise NotKnown(NOT_THERE)
    elif run.ended().get("state", "unknown") == "unknown":
        raise NotKnown(run.ended().get("detail", DAMAGED))


def _ask(run: RunDirectory, patience: float) -> None:
    """Return when its supervisor is at its end. Raises `NotNow`."""
    deadline = time.monotonic() + patience
    while run.standing() is Standing.HELD:
        run.ask_to_cancel()
        wake(run)
        _pause(deadline, "it was asked to stop and goes on")


def _never_begin(run: RunDirectory) -> None:
    """Record the end of what has no beginning; a start that is under way keeps its lock, and is then held."""
    lock = run.lock()
    if lock is None:
        raise NotNow("it is just being begun")
    try:
        if not run.has_begun():
            run.record_ended({"state": "cancelled", "ended_at": time.time(), "detail": "cancelled before it began"})
    finally:
        os.close(lock)


def end_remains(run: RunDirectory, grace: float) -> None:
    """Return when nothing is left of a run that has no supervisor any more. Raises `NotNow`."""
    kill_at = time.monotonic() + grace
    _signal(run, signal.SIGTERM)
    _signal(run, signal.SIGCONT)  # who is stopped would not see it
    while remains(run):
        if time.monotonic() >= kill_at:
            _signal(run, signal.SIGKILL)
        _pause(kill_at + PATIENCE, "what is left of it can't be killed")


def _signal(run: RunDirectory, number: signal.Signals) -> None:
    for process in remains(run):
        tree.send(process, number)


def _pause(deadline: float, otherwise: str) -> None:
    if time.monotonic() >= deadline:
        raise NotNow(otherwise)
    time.sleep(PAUSE)
