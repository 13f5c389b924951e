"""Real HTTP on loopback for tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn


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
        server.should_exit = True
        thread.join(10)
        listener.close()


def ask(method: str, url: str, **options: Any) -> httpx.Response:
    """Ask a server on this machine: past proxies, and without reading the certificates of the world, which takes tens
    of milliseconds each time. `options` as `httpx.request` has them."""
    return httpx.request(method, url, trust_env=False, verify=False, **options)  # noqa: S501  there is no TLS


class _Announced(uvicorn.Server):
    """A server that says when it listens, so that nobody has to poll."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
