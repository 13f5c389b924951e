"""`firstline serve`: the hub."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from firstline import settings
from firstline.cli import logs, project, reach
from firstline.cli.option import Folder, moment
from firstline.errors import Unavailable
from firstline.masking import Masker
from firstline.secret.process import close_to_others

PAUSE = 5.0  # seconds until Vault is asked again


def serve(
    since: Annotated[
        str,
        typer.Option(
            help="From when on to ask connections that were never polled, as 2026-11-22T14:00Z; default: now."
        ),
    ] = "",
    folder: Folder = Path(),
) -> None:
    """Run the hub: take webhooks, run runbooks, write back. Ctrl-C or SIGTERM stops it; what runs goes on."""
    from firstline.hub import Hub  # late: the other commands start in half the time without it
    from firstline.web import server

    close_to_others()
    chosen, secrets = _with_secrets(folder)
    logs.configure(Masker(secrets), sys.stderr)
    for fault in project.unknown_connectors(folder):
        raise fault
    host, _, port = chosen.hub.listen.rpartition(":")
    place = str(folder / settings.FILE)
    with reach.listeners(host, int(port), place, "Stop what does, or give hub.listen another address.") as sockets:
        reach.database(chosen).close()  # looked at before: the web server would tell of it with a trace
        server.run(Hub(chosen, moment(since, "--since") if since else None), sockets)


def _with_secrets(folder: Path) -> tuple[settings.Settings, list[str]]:
    """The settings and what their references name. A Vault that is sealed or away is waited for: after a power cut it
    may come back later than the hub, and nobody is there to start the hub again."""
    while True:
        chosen = settings.load(folder)
        try:
            return chosen, chosen.secrets
        except Unavailable as trouble:
            chosen.references.close()
            typer.echo(f"{trouble}; trying again every {PAUSE:g} s", err=True)
            time.sleep(PAUSE)
