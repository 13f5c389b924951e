"""The hub as a process of its own for a benchmark. With `--forget` it answers after the HMAC and stores nothing: the
yardstick of acceptance."""

import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from firstline import settings
from firstline.hub import Hub
from firstline.web.app import create_app


async def forget(connection: str, key: str, headers: Mapping[str, str], body: bytes) -> None:
    """In place of storing."""


def main() -> None:
    chosen = settings.load(Path(sys.argv[1]))
    hub = Hub(chosen)
    if "--forget" in sys.argv:
        hub.deliveries.append = forget  # type: ignore[method-assign]
    host, _, port = chosen.hub.listen.rpartition(":")
    uvicorn.run(create_app(hub), host=host, port=int(port), log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
