"""The hub's end of the launcher, which is started when it is first needed and again when it has died."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import firstline
from firstline.errors import Unavailable

# Isolated (-I) and without site-packages (-S): quick to start, small to fork, and nobody's environment changes it.
_PYTHON = (sys.executable, "-I", "-S", "-X", "utf8", "-c")
_PROGRAM = """
import sys
sys.path.append({root!r})
from firstline.executors.process.launcher import main
main()
"""
_PASSED = ("LD_LIBRARY_PATH",)  # some builds of Python don't start without
_PATIENCE = 2.0  # seconds, for a launcher that should answer or end at once


class Launcher:
    """May be used by several threads and event loops."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def send(self, lock: int, channel: socket.socket) -> None:
        """Pass a held lock and the channel of a request. That it arrived is told by the answer, on the channel."""
        with self._guard:
            for _ in range(2):
                try:
                    socket.send_fds(self._connected(), [b"r"], [lock, channel.fileno()])
                except OSError as error:
                    failure = f"{error}; {self._drop()}"
                else:
                    return
        raise Unavailable(f"the launcher of commands does not start: {failure}")

    def close(self) -> None:
        with self._guard:
            self._drop()

    def _connected(self) -> socket.socket:
        if self._socket is None or self._process is None or self._process.poll() is not None:
            self._drop()
            self._socket, theirs = socket.socketpair()
            self._socket.settimeout(_PATIENCE)
            with theirs:
                self._process = _spawn(theirs)
        return self._socket

    def _drop(self) -> str:
        """Let it end; it ends when its socket closes. Returns its last words."""
        process, self._process = self._process, None
        if self._socket:
            self._socket.close()
            self._socket = None
        if process is None:
            return ""
        try:
            _, words = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            _, words = process.communicate()
        return words.decode(errors="replace").strip()


def _spawn(theirs: socket.socket) -> subprocess.Popen[bytes]:
    (package,) = firstline.__path__
    return subprocess.Popen(  # noqa: S603 - our own program
        [*_PYTHON, _PROGRAM.format(root=str(Path(package).parent))],
        stdin=theirs.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        env={name: os.environ[name] for name in _PASSED if name in os.environ},
        start_new_session=True,
    )
