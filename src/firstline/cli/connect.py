"""`firstline connect`: the webhook that brings a connection's events."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

from firstline.cli import reach
from firstline.cli.connection import Name, chosen, opened
from firstline.cli.option import Folder
from firstline.connector import Registration
from firstline.errors import FirstlineError, Misdeclared
from firstline.intake import source
from firstline.intake.webhook import connect as make
from firstline.masking import Masker
from firstline.settings import FILE, Settings

_SAID = {"made": "The webhook is made.", "renewed": "The webhook is renewed.", "unchanged": "The webhook is well."}


def connect(
    connection: Name,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="Where to put the signing secret, if the vendor makes one; default: it is printed, once."),
    ] = None,
    folder: Folder = Path(),
) -> None:
    """Make the webhook at the vendor that sends to this hub, or repair the one that is there; say what is left to do by
    hand. The hub renews it from then on."""
    found, _ = chosen(folder, connection)
    url = found.hook_url(connection)
    if not url:
        raise Misdeclared(
            'takes no webhook: its intake.way is "poll"', place=f"{folder / FILE} [connections.{connection}]"
        )
    if not found.hub.url:
        why = f"hub.url is not set, and {found.url} is no address that a vendor reaches: set the one that it does"
        raise Misdeclared(why, place=str(folder / FILE))
    if secret_file is not None and secret_file.exists():
        raise Misdeclared("is there already; name a new file for the secret", place=str(secret_file))
    try:
        made = anyio.run(_connect, found, connection, url)
    except FirstlineError as error:
        typer.echo(Masker(found.known_secrets)(f"{connection}: {error}"), err=True)
        raise typer.Exit(1) from None
    _tell(connection, url, made, secret_file)


async def _connect(found: Settings, name: str, url: str) -> Registration:
    database = reach.database(found)
    try:
        database.write_now(lambda connection: source.know(connection, {name}))
        async with opened(found, name) as connector:
            return await make(source.Desk(database, {name: connector}), name, url)
    finally:
        database.close()


def _tell(name: str, url: str, made: Registration, secret_file: Path | None) -> None:
    if made.state == "manual":
        typer.echo(made.instructions)
        return
    until = f" It expires at {made.expires_at:%Y-%m-%d %H:%M} UTC and is renewed before." if made.expires_at else ""
    typer.echo(f"{name}: {_SAID[made.state]} It sends to {url}.{until}")
    if made.instructions and not made.secret:
        typer.echo(made.instructions)
    if made.secret and secret_file is not None:
        secret_file.touch(mode=0o600, exist_ok=False)
        secret_file.write_text(made.secret + "\n", encoding="utf-8")
        typer.echo(
            f'Its signing secret is in {secret_file}: set webhook_secrets = ["file:{secret_file}"], and restart.'
        )
    elif made.secret:
        typer.echo("Its signing secret, shown this once; put it where webhook_secrets refers to, and restart the hub:")
        typer.echo(made.secret)
