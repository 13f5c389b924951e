"""`firstline audit key`: by which the hub's checkpoints are known."""

from pathlib import Path

import typer

from firstline import settings
from firstline.cli import project
from firstline.cli.option import Folder
from firstline.ledger import key as keys


def key(folder: Folder = Path()) -> None:
    """Print the public key that signs this hub's checkpoints, as name+id+base64. Keep a copy where the hub's operators
    can't change it: `audit verify --key` is worth as much as that copy."""
    known = keys.folder(settings.load(folder)).verifiers()
    if not known:
        typer.echo("No key has signed here yet: the hub makes one at its first start.", err=True)
        raise typer.Exit(project.FINDINGS)
    typer.echo(known[-1])
