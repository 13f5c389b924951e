"""`firstline serve`: the hub."""

import logging
import sys
from pathlib import Path

import structlog

from firstline import settings
from firstline.cli import project, reach
from firstline.cli.option import Folder


def serve(folder: Folder = Path()) -> None:
    """Run the hub: take webhooks, run runbooks, write back. Ctrl-C or SIGTERM stops it; what runs goes on."""
    from firstline.hub import Hub  # late: the other commands start in half the time without it
    from firstline.web import server

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
    for fault in project.unknown_connectors(folder):
        raise fault
    host, _, port = chosen.hub.listen.rpartition(":")
    place = str(folder / settings.FILE)
    sockets = reach.listeners(host, int(port), place, "Stop what does, or give hub.listen another address.")
    reach.database(chosen).close()  # looked at before: the web server would tell of it with a trace
    server.run(Hub(chosen), sockets)
