"""`firstline token`: a token for a person."""

from pathlib import Path
from typing import Annotated

import typer

from firstline import settings
from firstline.access import Right, make_token
from firstline.cli import reach
from firstline.cli.option import Folder

CENTURY = 36525  # days


def token(
    person: Annotated[str, typer.Argument(help="Whose token: the name that stands in timelines and on tickets.")],
    right: Annotated[list[Right] | None, typer.Option(help="see, approve, govern; default: see and approve.")] = None,
    days: Annotated[float, typer.Option(help="Days until it expires.")] = 365,
    folder: Folder = Path(),
) -> None:
    """Make a token for a person and print it. It is shown this once."""
    # Compared so, because nan is neither.
    if not 0 < days <= CENTURY:
        raise typer.BadParameter(f"from more than 0 to {CENTURY}", param_hint="--days")
    if not person.strip():
        raise typer.BadParameter("a token needs somebody's name", param_hint="person")
    database = reach.database(settings.load(folder))
    try:
        rights = right or [Right.SEE, Right.APPROVE]
        typer.echo(database.write_now(lambda connection: make_token(connection, person, rights, days)))
    finally:
        database.close()
