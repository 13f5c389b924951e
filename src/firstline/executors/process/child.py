"""The command itself. Spawned, not forked: a copy of this process would cost more than the rest of a short run."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from firstline.executors.process.request import Request

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # exit statuses as POSIX has them for the shell
IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)  # by a supervisor, not by its command


class Pipes(NamedTuple):
    """File descriptors for the output: read ends, then write ends."""

    stdout: int
    stderr: int
    stdout_write: int
    stderr_write: int


class Refusal(NamedTuple):
    """The kernel does not make a process of it. `status` is what a shell's exit status would be."""

    status: int
    reason: str


def pipes() -> Pipes:
    (stdout, stdout_write), (stderr, stderr_write) = os.pipe(), os.pipe()
    os.set_blocking(stdout, False)
    os.set_blocking(stderr, False)
    return Pipes(stdout, stderr, stdout_write, stderr_write)


def spawn(request: Request, environment: dict[str, str], pipes: Pipes) -> int | Refusal:
    """Begin the command in a session of its own and return its process id. It inherits our working directory, umask and
    standard input; no other file."""
    try:
        return os.posix_spawn(
            request["program"],
            request["run"],
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, pipes.stdout_write, 1), (os.POSIX_SPAWN_DUP2, pipes.stderr_write, 2)],
            setsid=True,
            setsigmask=(),
            setsigdef=IGNORED,
        )
    except FileNotFoundError as error:
        return Refusal(NOT_FOUND, f"{error}: it, or the interpreter that its first line names, is not there")
    except (OSError, ValueError) as error:
        return Refusal(NOT_EXECUTABLE, str(error))
    finally:
        os.close(pipes.stdout_write)
        os.close(pipes.stderr_write)
