"""The process that stays with one run from its beginning to its end, whatever happens to the hub.

When the command ends by itself, what it started and left behind goes on: a runbook may well restart a daemon. When its
time is up or it is cancelled, all its descendants are ended, also those that have left its process group or session:
as their subreaper (prctl(2)) the supervisor inherits each one whose parent is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from firstline.executors.process import child, tree
from firstline.executors.process.bound import PERIOD, Meter
from firstline.executors.process.output import STDERR, STDOUT, OutputWriter
from firstline.executors.process.request import BEGUN, PATIENCE, Request, record_of
from firstline.executors.process.run_directory import OUTPUT, RunDirectory

PIECE = 65_536
LAST_PIECES = 16  # of each stream, after the end: what stands in the pipe, but not for ever what others go on writing
AGAIN = 0.02  # seconds between two rounds of SIGKILL: a process may fork between look and kill
LONGEST_PAUSE = 3600.0
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


def supervise(lock: int, channel: socket.socket) -> None:
    """Serve one request. `lock` is held as long as this process lives, or until the end is on record. `channel` gives
    the request and takes the answer; it closes with the end of the run."""
    _detach()
    try:
        request: Request = json.loads(_read_all(channel))
    except ValueError:
        return  # the hub died while it wrote: nothing begins
    run = RunDirectory(Path(request["workplace"]))
    try:
        _see_through(request, run, lock, channel)
    except BaseException:
        import traceback  # late: what all supervisors import, all pay for

        run.record_crash(traceback.format_exc())
        raise


def _see_through(request: Request, run: RunDirectory, lock: int, channel: socket.socket) -> None:
    supervisor = Supervisor(request, run)
    try:
        supervisor.begin()
    except OSError as error:
        if run.has_begun():
            raise
        _tell(channel, str(error).encode())
        return
    _tell(channel, BEGUN)
    supervisor.attend()
    supervisor.record_end()
    os.close(lock)
    channel.close()
    run.sync()
    supervisor.linger()


class Supervisor:
    def __init__(self, request: Request, run: RunDirectory) -> None:
        self._request = request
        self._run = run
        self._selector = selectors.DefaultSelector()
        self._output = OutputWriter(run.path, request["output_limit"])
        self._streams: dict[int, int] = {}
        self._control = -1
        self._child = 0
        self._exit: int | None = None
        self._refusal = ""
        self._childless = False
        self._why = ""  # why it is being stopped
        self._excess = ""  # what it used too much of
        self._meter = Meter(request.get("bounds", {}))
        self._started_at = time.time()
        self._deadline = self._kill_at = self._began = time.monotonic()
        self._give_up_at = float("inf")

    def begin(self) -> None:
        """Have the command begun, and its beginning on record before."""
        self._listen()
        owner = self._request.get("owner")
        self._run.make_inside((owner[0], owner[1]) if owner else None)
        self._run.reserve()
        pipes = child.pipes()
        self._streams = {pipes.stdout: STDOUT, pipes.stderr: STDERR}
        for stream in self._streams:
            self._attend_to(stream, self._read)
        self._run.record_begun(
            {
                **record_of(self._request),
                "boot": tree.boot(),
                "started_at": self._started_at,
                "supervisor": _identity(os.getpid()),
            }
        )
        self._deadline = time.monotonic() + self._request["timeout"]
        self._spawn(pipes)

    def _spawn(self, pipes: child.Pipes) -> None:
        spawned: int | child.Refusal
        try:
            os.chdir(self._request["directory"])
        except OSError as error:
            spawned = child.Refusal(child.NOT_EXECUTABLE, str(error))
        else:
            marked = {**self._request["environment"], OUTPUT: str(self._run.outputs)}
            spawned = child.spawn(self._request, marked, pipes)
        if isinstance(spawned, child.Refusal):
            self._exit, self._refusal = spawned
            return
        self._child = spawned
        self._run.record_process(_identity(spawned))

    def attend(self) -> None:
        """Return when the command has ended, or all of it was stopped."""
        while not self._is_over():
            self._enforce()
            for key, _ in self._selector.select(self._pause()):
                key.data(key.fd)

    def record_end(self) -> None:
        for stream in list(self._streams):
            self._drain(stream)
        self._output.close()
        state, detail = self._outcome()
        if self._output.failure:
            detail = "; ".join(filter(None, (detail, f"output is missing: {self._output.failure}")))
        status = self._exit if self._exit is None or self._exit >= 0 else 128 - self._exit
        ended_at = self._started_at + time.monotonic() - self._began  # the clock may have been set meanwhile
        self._run.record_ended({"state": state, "exit_status": status, "ended_at": ended_at, "detail": detail})

    def linger(self) -> None:
        """Swallow what a daemon goes on writing to the pipes it inherited: closing them would kill it (SIGPIPE). Who
        cancels now comes too late."""
        self._selector.unregister(self._control)
        os.close(self._control)
        while self._streams:
            for key, _ in self._selector.select():
                key.data(key.fd)

    # what is listened to

    def _listen(self) -> None:
        if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        with contextlib.suppress(FileExistsError):  # there was an attempt that never began
            os.mkfifo(self._run.control, 0o600)
        # Both ways, though nothing is written: a FIFO that nobody has open for writing is for ever at its end.
        self._control = os.open(self._run.control, os.O_RDWR | os.O_NONBLOCK)
        self._attend_to(self._control, self._cancel)
        waker, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without one nothing is written to the wakeup
        self._attend_to(waker, self._reap)

    def _attend_to(self, descriptor: int, act: Callable[[int], object]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, act)

    def _read(self, stream: int) -> bool:
        """Read a piece; False when there is none now, or never again."""
        try:
            content = os.read(stream, PIECE)
        except BlockingIOError:
            return False
        if content:
            self._output.write(self._streams[stream], content)
        if not content:
            self._selector.unregister(stream)
            del self._streams[stream]
            os.close(stream)
        return bool(content)

    def _drain(self, stream: int) -> None:
        for _ in range(LAST_PIECES):
            if not self._read(stream):
                return

    def _cancel(self, control: int) -> None:
        os.read(control, PIECE)
        self._stop("cancelled", self._request["kill_grace"])

    def _reap(self, waker: int) -> None:
        os.read(waker, PIECE)
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._child and self._exit is None:
                    status = ended[1]
                    self._exit = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        except ChildProcessError:
            self._childless = True

    # time and end

    def _is_over(self) -> bool:
        if self._why:
            return self._childless or time.monotonic() > self._give_up_at
        return self._exit is not None

    def _enforce(self) -> None:
        now = time.monotonic()
        if not self._why and now >= self._deadline:
            self._stop("timed_out", self._request["kill_grace"])
        if not self._why:
            self._excess = self._meter.excess()
            if self._excess:
                self._stop("failed", 0)
        if self._why and now >= self._kill_at:
            self._kill()

    def _pause(self) -> float:
        until = self._kill_at if self._why else self._deadline
        longest = PERIOD if self._meter.is_needed else LONGEST_PAUSE
        return min(max(until - time.monotonic(), AGAIN), longest)

    def _stop(self, why: str, grace: float) -> None:
        if not self._why:
            self._why = why
            if grace:
                self._signal(signal.SIGTERM)
                self._signal(signal.SIGCONT)  # who is stopped would not see it
            # Not from when it began to signal: among those who multiply that may take as long as the grace.
            self._kill_at = time.monotonic() + grace

    def _kill(self) -> None:
        """Kill our children, each with its group; called until there are none. Who loses its parent becomes our child,
        so all come to it; a group dies at once, however fast it multiplies. A number can't become another's before we
        reap it, and no stranger can be in its group: that began below us, as its session did."""
        for process_id in tree.children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(os.getpgid(process_id), signal.SIGKILL)
        self._give_up_at = min(self._give_up_at, time.monotonic() + PATIENCE)

    def _signal(self, number: signal.Signals) -> None:
        for process in tree.descendants(os.getpid()):
            # bwrap only waits for its command's exit status, and is to tell it; it ends with it.
            if not (number == signal.SIGTERM and process.id == self._child and process.name == "bwrap"):
                tree.send(process, number)

    def _outcome(self) -> tuple[str, str]:
        if self._why and not self._childless:
            left = ", ".join(f"{process.id} ({process.name})" for process in tree.descendants(os.getpid()))
            return "unknown", f"{self._why.replace('_', ' ')}, but these could not be killed: {left}"
        if self._why == "timed_out":
            return self._why, f"it had not ended after {self._request['timeout']:g} seconds, and was stopped"
        if self._excess:
            return self._why, f"it used {self._excess}, and was stopped"
        if self._why:
            return self._why, ""
        if self._exit == 0:
            return "succeeded", ""
        return "failed", self._refusal or _reason(self._exit or 0)


def _identity(process_id: int) -> dict[str, object]:
    """Of one of our own, ended or not: it is there until it is reaped."""
    process = tree.look(process_id)
    return {"id": process_id, "started": process and process.started}


def _reason(status: int) -> str:
    return f"exit status {status}" if status > 0 else f"ended by {signal.Signals(-status).name}"


def _detach() -> None:
    """Into a session of its own; deaf to what is meant for others: the terminal, the hub's group."""
    os.setsid()
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    os.close(empty)
    for number in child.IGNORED:
        signal.signal(number, signal.SIG_IGN)


def _read_all(channel: socket.socket) -> bytes:
    content = bytearray()
    while piece := channel.recv(PIECE):
        content += piece
    return bytes(content)


def _tell(channel: socket.socket, answer: bytes) -> None:
    try:
        channel.sendall(answer)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ECONNRESET):
            raise  # else the hub is gone: it will look into the directory
