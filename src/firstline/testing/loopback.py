"""Real HTTP on loopback for tests."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import uvicorn

TICK = 0.1  # seconds: on_tick counts on it


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """Serve an ASGI application from a thread on a free port of 127.0.0.1; give its address, without a last slash."""
    # Named as TCP, because asyncio sends small answers at once on such sockets only: else each takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="on", loop="asyncio", timeout_graceful_shutdown=1)
    server = _Announced(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    if not server.ready.wait(10):
        raise RuntimeError("the application did not start within ten seconds")
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.leave()
        thread.join(10)
        listener.close()


def ask(method: str, url: str, **options: Any) -> httpx.Response:
    """Ask a server on this machine: past proxies, and without reading the certificates of the world, which takes tens
    of milliseconds each time. `options` as `httpx.request` has them."""
    return httpx.request(method, url, trust_env=False, verify=False, **options)  # noqa: S501  there is no TLS


class _Announced(uvicorn.Server):
    """A server that says when it listens, and leaves when it is told to: nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        """As uvicorn's own, which keeps the Date of its answers, but for the end of each tick."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK)

    def leave(self) -> None:
        """From another thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: it has left by itself
                self._loop.call_soon_threadsafe(self._told.set)
