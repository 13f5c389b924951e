"""Begins runs on this host, each once, and ends them: what a run's directory says decides, whoever asks."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from firstline.executors.process import cancel as cancelling
from firstline.executors.process.bound import limits
from firstline.executors.process.program import NotThere, directory_of, find
from firstline.executors.process.request import BEGUN
from firstline.executors.process.run_directory import RunDirectory, Standing
from firstline.executors.ssh.agent import parcel
from firstline.executors.ssh.agent.launcher import Launcher
from firstline.executors.ssh.agent.place import Place
from firstline.executors.ssh.agent.refusal import Lost, Refusal, Rejected, Unavailable

ANSWER = 30.0  # seconds a supervisor has to say that the run began: a busy disk may take some
LOOK = 0.005  # seconds between two looks at what no event tells
LONGEST_LOOK = 0.25
PASSED = ("step", "name", "timeout", "output_limit", "kill_grace", "bounds", "surroundings")  # as the hub has it


def begin(place: Place, launcher: Launcher, path: str, asked: dict[str, Any]) -> None:
    """Return when it has begun, by us or by whoever else holds the lock."""
    run = RunDirectory(Path(path))
    with suppress(PermissionError):  # the place is somebody else's, as is told next
        if run.has_begun():
            return
    place.make()
    deadline = time.monotonic() + ANSWER
    try:
        run.make()
        while not run.has_begun():
            lock = run.lock()
            if lock is None:
                _pause(deadline, f"run {asked['step']} is being begun by somebody else")
                continue
            try:
                if not run.has_begun():
                    _launch(launcher, run, _request(place, run, asked), lock)
            finally:
                os.close(lock)
    except NotThere as error:
        raise Rejected(str(error)) from None
    except OSError as error:
        if not run.has_begun():
            raise Unavailable(f"run {asked['step']} can't begin: {error}") from None


def wait(path: str, timeout: float) -> None:
    """Return when it runs no more, at the latest after `timeout` seconds."""
    run, deadline, pause = RunDirectory(Path(path)), time.monotonic() + timeout, LOOK
    while run.standing() is Standing.HELD and time.monotonic() < deadline:
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(pause * 1.5, LONGEST_LOOK)


def cancel(path: str, grace: float) -> None:
    """Return when nothing of it is left. Raises a `Refusal` when that can't be said."""
    try:
        cancelling.cancel(RunDirectory(Path(path)), grace)
    except cancelling.NotNow as error:
        raise Unavailable(str(error)) from None
    except cancelling.NotKnown as error:
        raise Refusal(str(error)) from None


def _request(place: Place, run: RunDirectory, asked: dict[str, Any]) -> dict[str, Any]:
    """What a supervisor is told: what was asked, with what this host has."""
    run.make_inside()
    own = {name: os.environ[name] for name in asked["whitelist"] if name in os.environ}
    environment = {**own, **asked["environment"]}
    directory = directory_of(asked["directory"], run.work)
    command = list(asked["run"])
    if asked["files"]:
        parcel.unpack(place, asked["files"], run.path / "files")
        command[0] = str(run.path / "files" / command[0])
    program = find(command[0], environment, directory)
    bounds = limits(asked["bounds"])
    if bounds:
        # prlimit(1) of util-linux becomes the program: it needs its path, and is itself found by the agent's PATH.
        command = ["prlimit", *bounds, "--", str(program), *command[1:]]
        program = find("prlimit", dict(os.environ), directory)
    told = {name: asked[name] for name in PASSED}
    return {
        **told,
        "run": command,
        "environment": environment,
        "directory": str(directory),
        "program": str(program),
        "workplace": str(run.path),
    }


def _launch(launcher: Launcher, run: RunDirectory, request: dict[str, Any], lock: int) -> None:
    """No answer and no supervisor: the launcher died under it. Asked once more, it makes way with its agent."""
    for _ in range(2):
        answer = _ask(launcher, json.dumps(request).encode(), lock)
        if answer == BEGUN or run.has_begun():
            return
        if answer:
            raise Unavailable(f"run {request['step']} can't begin: {answer.decode(errors='replace')}")
    raise Unavailable(f"run {request['step']} can't begin: its launcher dies")


def _ask(launcher: Launcher, request: bytes, lock: int) -> bytes:
    """The supervisor's answer; empty when it is gone."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            launcher.send(lock, theirs)
        ours.settimeout(ANSWER)
        try:
            ours.sendall(request)
            ours.shutdown(socket.SHUT_WR)
            answer = ours.recv(len(BEGUN))
            while answer != BEGUN:
                more = ours.recv(4096)
                if not more:
                    break
                answer += more
        except socket.timeout:  # noqa: UP041 - the same only from Python 3.10 on
            raise Lost(f"no word whether it began after {ANSWER:g} seconds") from None
        except (BrokenPipeError, ConnectionResetError):
            return b""
    return answer


def _pause(deadline: float, otherwise: str) -> None:
    if time.monotonic() >= deadline:
        raise Unavailable(otherwise)
    time.sleep(LOOK)
