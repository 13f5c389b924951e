"""The network between a hub and a host, which can be cut and can fall silent."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE = 65_536
_AT_ONCE = struct.pack("ii", 1, 0)  # closing sends a reset, without what is still to be sent


class Wire:
    """Passes on what comes to `port`. `cut` breaks what is connected, as a router that goes down; `freeze` lets it
    stand and carries no more of it, as a firewall that forgot it. What connects afterwards is not touched, unless it
    `refuses`."""

    def __init__(self, address: str, port: int) -> None:
        self._target = (address, port)
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self._guard = threading.Lock()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._frozen: set[socket.socket] = set()  # nothing that comes from these is passed on
        self._threads = [threading.Thread(target=self._accept)]
        self.refuses = False
        self._threads[0].start()

    def cut(self) -> None:
        with self._guard:
            pairs, self._pairs = self._pairs, []
            for pair in pairs:
                self._break(*pair)

    def freeze(self) -> None:
        with self._guard:
            self._frozen.update(end for pair in self._pairs for end in pair)

    def swallow_answers(self) -> None:
        """What the host says no longer arrives; what it is told does."""
        with self._guard:
            self._frozen.update(far for _, far in self._pairs)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._listener.close()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.refuses:
                self._break(near)
                continue
            try:
                far = socket.create_connection(self._target)
            except OSError:
                self._break(near)
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._guard:
                self._pairs.append((near, far))
            for pair in ((near, far), (far, near)):
                self._threads.append(threading.Thread(target=self._pump, args=pair))
                self._threads[-1].start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while content := source.recv(PIECE):
                if source not in self._frozen:
                    sink.sendall(content)
            if source not in self._frozen:
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            if source not in self._frozen:
                self._break(source, sink)

    @staticmethod
    def _break(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def wire(address: str, port: int) -> Iterator[Wire]:
    made = Wire(address, port)
    try:
        yield made
    finally:
        made.close()
