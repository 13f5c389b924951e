"""`firstline serve`: the hub."""

import logging
import sys
from pathlib import Path

import structlog
import uvicorn

from firstline import settings
from firstline.cli.option import Folder


def serve(folder: Folder = Path()) -> None:
    """Run the hub: take webhooks, run runbooks, write back. Ctrl-C or SIGTERM stops it; what runs goes on."""
    from firstline.hub import Hub  # late: the other commands start in half the time without it
    from firstline.web.app import create_app

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    chosen = settings.load(folder)
    host, _, port = chosen.hub.listen.rpartition(":")
    app = create_app(Hub(chosen))
    config = uvicorn.Config(
        app,
        host=host,
        port=int(port),
        log_level="warning",
        access_log=False,  # a log line a webhook would cost as much as the webhook
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run()
