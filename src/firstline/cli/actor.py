"""Who acts by a command: the operating system's user, or the person they say they are. It stands in the ledger."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import sqlalchemy as sa
import typer

from firstline import settings
from firstline.access import find
from firstline.cli import reach
from firstline.errors import Rejected

T = TypeVar("T")

As = Annotated[str, typer.Option("--as", help="Who you are: a person here. Default: your account on this machine.")]


def actor(connection: sa.Connection, named: str = "") -> str:
    """The name that the ledger has. Raises `Rejected` when the person named is nobody here, or off."""
    if not named:
        return f"os:{_user()}"
    if find(connection, named) is None:
        raise Rejected(f"{named} is nobody here, or off")
    return named


def act(folder: Path, named: str, do: Callable[[sa.Connection, str], T]) -> T:
    """Do something in the hub's database, as who acts (the second argument), in one transaction. A refusal ends the
    command with its words."""
    database = reach.database(settings.load(folder))
    try:
        return database.write_now(lambda connection: do(connection, actor(connection, named)))
    except Rejected as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(1) from refusal
    finally:
        database.close()


def _user() -> str:
    # Not `getpass.getuser`: that believes the environment.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # an account of a container that has no name
        return str(os.getuid())
