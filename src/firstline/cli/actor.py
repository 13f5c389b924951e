"""Who acts by a command: the operating system's user, or the person they say they are. It stands in the ledger."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import sqlalchemy as sa
import typer

from firstline import settings
from firstline.access import Right, find
from firstline.access.grant import where as place
from firstline.access.right import EVERY
from firstline.cli import reach
from firstline.errors import Rejected

T = TypeVar("T")

As = Annotated[str, typer.Option("--as", help="Who you are: a person here. Default: your account on this machine.")]


def actor(
    connection: sa.Connection,
    named: str = "",
    right: Right | None = None,
    *,
    pack: str | None = None,
    environment: str | None = None,
) -> str:
    """The name that the ledger has. Raises `Rejected` when the person named is nobody here, or off, or has not the
    right. The machine's own account has every right: it could write the database itself."""
    if not named:
        return f"os:{_user()}"
    person = find(connection, named)
    if person is None:
        raise Rejected(f"{named} is nobody here, or off")
    if right is not None and not person.may(right, pack=pack, environment=environment):
        where = "" if pack is None else f" {place(pack, environment or EVERY)}"
        raise Rejected(f"{named} may not {right.value}{where}; `firstline people show {named}` says what they may")
    return named


def act(
    folder: Path,
    named: str,
    do: Callable[[sa.Connection, str], T],
    right: Right | None = None,
    *,
    pack: str | None = None,
    environment: str | None = None,
) -> T:
    """Do something in the hub's database, as who acts (the second argument) and has the right, in one transaction. A
    refusal ends the command with its words."""
    database = reach.database(settings.load(folder))
    try:
        return database.write_now(
            lambda connection: do(connection, actor(connection, named, right, pack=pack, environment=environment))
        )
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
