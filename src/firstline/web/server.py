"""Runs a hub in this process until it is told to stop."""

import gc
import socket

import uvicorn

from firstline.hub import Hub
from firstline.web.app import create_app


def run(hub: Hub, sockets: list[socket.socket] | None = None) -> None:
    """Serve the hub on sockets that are bound, else where its settings say. SIGTERM or SIGINT stops it; what runs in
    executors goes on."""
    host, _, port = hub.settings.hub.listen.rpartition(":")
    config = uvicorn.Config(
        create_app(hub),
        host=host,
        port=int(port),
        log_config=None,  # as the rest: `firstline.cli.logs`
        log_level="warning",
        access_log=False,  # a log line a webhook would cost as much as the webhook
        proxy_headers=False,  # nothing here depends on who a proxy says is calling
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    # What is loaded now stays for good: the collector need not walk it, a hundred thousand objects, again and again.
    gc.collect()
    gc.freeze()
    uvicorn.Server(config).run(sockets=sockets)
