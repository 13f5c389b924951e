"""The hub as a process of its own for a benchmark. With `--forget` it answers after the HMAC and stores nothing: the
yardstick of acceptance."""

import sys
from collections.abc import Mapping
from pathlib import Path

from firstline import settings
from firstline.hub import Hub
from firstline.web import server


async def forget(connection: str, key: str, headers: Mapping[str, str], body: bytes, *, polled: bool = False) -> None:
    """In place of storing."""


def main() -> None:
    hub = Hub(settings.load(Path(sys.argv[1])))
    if "--forget" in sys.argv:
        hub.deliveries.append = forget  # type: ignore[method-assign]
    server.run(hub)


if __name__ == "__main__":
    main()
