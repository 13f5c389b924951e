"""The agent's end of the launcher, which is forked from it before it has threads or anything else to inherit."""

from __future__ import annotations

import array
import os
import socket
import threading

from firstline.executors.process import launcher


class Launcher:
    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._socket, theirs = socket.socketpair()
        if os.fork() == 0:
            _become(theirs)
        theirs.close()

    def send(self, lock: int, channel: socket.socket) -> None:
        """Pass a held lock and the channel of a request. That it arrived is told by the answer, on the channel."""
        passed = array.array("i", [lock, channel.fileno()])
        try:
            with self._guard:
                self._socket.sendmsg([b"r"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)])
        except OSError:  # it is gone, and threads keep us from forking another: so let there be another agent
            os._exit(1)


def _become(hub: socket.socket) -> None:
    """Never returns. The connection's own descriptors are let go, or sshd would wait for whatever is begun here."""
    status = 1
    try:
        empty = os.open(os.devnull, os.O_RDWR)
        for descriptor in (1, 2):
            os.dup2(empty, descriptor)
        os.dup2(hub.fileno(), 0)
        os.closerange(3, 64)
        os.setsid()
        launcher.main()
        status = 0
    finally:
        os._exit(status)
