"""Tokens for the API and the portal."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from firstline.access import Right
from firstline.access import token as access
from firstline.access.profile import tokens as kept
from firstline.cli import project
from firstline.cli.actor import As, act
from firstline.cli.option import Folder
from firstline.cli.people.govern import govern
from firstline.store.table import now


def token(
    person: Annotated[str, typer.Argument(help="Whose token.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[float, typer.Option(help="Days until it expires.")] = 365,
    right: Annotated[list[Right] | None, typer.Option(help="Limit it to some rights; default: all they have.")] = None,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Make a token for a person and print it. It is shown this once."""
    # Compared so, because nan is neither.
    if not 0 < days <= access.CENTURY:
        raise typer.BadParameter(f"from more than 0 to {access.CENTURY}", param_hint="--days")
    made = govern(
        folder,
        as_,
        lambda connection, by: access.give_token(connection, person, name=name, rights=right, days=days, by=by),
    )
    typer.echo(made)


def tokens(
    person: Annotated[str, typer.Argument(help="Whose; default: everybody's.")] = "", folder: Folder = Path()
) -> None:
    """The tokens there are, and which open nothing any more. What opens can't be read again."""
    table = Table(
        Column("Id", no_wrap=True),
        "Person",
        "For",
        "Only to",
        Column("Expires", no_wrap=True),
        "",
        box=None,
        padding=(0, 1, 0, 0),
    )
    for row in act(folder, "", lambda connection, _: kept(connection, person)):
        only = "" if row["rights"] is None else ", ".join(row["rights"])
        table.add_row(
            row["id"],
            row["person"],
            project.cell(row["name"]),
            only,
            f"{row['expires_at']:%Y-%m-%d}",
            access.ended(row, now()),
        )
    project.console().print(table)


def revoke_token(
    token_id: Annotated[str, typer.Argument(help="As `tokens` prints it.", metavar="ID")],
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Take a token back: it opens nothing any more, at once."""
    govern(folder, as_, lambda connection, by: access.revoke_token(connection, token_id, by=by))


COMMANDS = {"token": token, "tokens": tokens, "revoke-token": revoke_token}
