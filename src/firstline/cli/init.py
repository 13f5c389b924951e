"""`firstline init`: a folder that works, with comments that say how to go on."""

import secrets
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from firstline import settings
from firstline.access import Right, make_token
from firstline.cli.actor import act


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", file_okay=False)] = Path(),
    person: Annotated[str, typer.Option(help="Your name, as it will stand in timelines.")] = "admin",
) -> None:
    """Make a folder with firstline.toml, an example pack and its tests, and a token for you."""
    if (folder / settings.FILE).exists():
        typer.echo(f"{folder / settings.FILE} is there already; nothing was changed.", err=True)
        raise typer.Exit(1)
    with as_file(files("firstline.cli") / "template") as template:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    _secret(folder)
    token = act(folder, "", lambda connection, by: make_token(connection, person, list(Right), by=by))
    typer.echo(f"Made {folder.absolute()}.\n\nYour token, shown this once:\n\n  {token}\n")
    typer.echo("Next:")
    for command in ("check", "test", "serve"):
        typer.echo(f"  firstline {command} --folder {folder}")


def _secret(folder: Path) -> None:
    """The example connection's webhook secret: its own for each folder, readable by its owner alone."""
    path = folder / "secrets" / "pagerduty-webhook"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
