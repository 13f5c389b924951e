"""The fork server: a small process with one thread, forked for each run, so that the hub never is.

Its standard input is a socket from the hub. Each message is one byte with two descriptors: the lock of a run that is
held for it, and the channel that its request comes by. It ends when the hub closes the socket or dies.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
from array import array
from typing import NoReturn

from firstline.executors.process.supervisor import supervise


def main() -> None:
    hub = socket.socket(fileno=0)
    _settle()
    while True:
        message, descriptors = _receive(hub)
        if not message:
            return
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # received ones are not: the command would hold the lock
        if os.fork() == 0:
            _serve(hub, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _receive(hub: socket.socket) -> tuple[bytes, array[int]]:
    """As `socket.recv_fds`, which came with Python 3.9."""
    descriptors = array("i")
    message, ancillary, _, _ = hub.recvmsg(1, socket.CMSG_SPACE(2 * descriptors.itemsize))
    for _, _, content in ancillary:
        descriptors.frombytes(content)
    return message, descriptors


def _settle() -> None:
    # What failed until here was told on standard error. From now on runs outlive the hub and must not hold its files.
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 2)
    os.close(empty)
    os.chdir("/")
    os.umask(0o022)  # for commands; a run's directory is closed to others whatever its files are
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps supervisors
    gc.disable()
    gc.freeze()


def _serve(hub: socket.socket, lock: int, channel: int) -> NoReturn:
    """Ends the process in every case: a forked copy must never come back to the loop."""
    status = 1
    try:
        hub.detach()
        supervise(lock, socket.socket(fileno=channel))
        status = 0
    finally:
        os._exit(status)
