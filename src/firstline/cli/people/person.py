"""People on the roll, and in groups."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firstline.access import group as groups
from firstline.access import roll
from firstline.cli.actor import As
from firstline.cli.option import Folder
from firstline.cli.people.govern import govern

Name = Annotated[str, typer.Argument(help="The name that stands in timelines and on tickets.", metavar="NAME")]
Email = Annotated[str | None, typer.Option(help="Finds them where a vendor names people by it.")]
Account = Annotated[
    list[str] | None,
    typer.Option(help="What they are called at a connection: user name, email or id.", metavar="CONNECTION=USER"),
]
Contact = Annotated[str | None, typer.Option(help="Where to ask them: mailto:..., https://...")]
Reason = Annotated[str, typer.Option(help="It stands in the ledger.")]


class Move(StrEnum):
    ADD = "add"
    REMOVE = "remove"


def add(
    name: Name,
    email: Email = None,
    account: Account = None,
    contact: Contact = None,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Put a person on the roll. They may nothing before something is granted to them."""
    there = _accounts(account)
    govern(
        folder,
        as_,
        lambda connection, by: roll.add(
            connection, name, by=by, email=email or "", accounts=there, contact=contact or ""
        ),
    )
    typer.echo(f"{name} is on the roll; `firstline people grant {name} see` lets them see.")


def change(
    name: Name,
    email: Email = None,
    account: Account = None,
    contact: Contact = None,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Set what is given of a person; `--account CONNECTION=` takes an account away."""
    there = _accounts(account)
    govern(
        folder,
        as_,
        lambda connection, by: roll.change(connection, name, by=by, email=email, accounts=there, contact=contact),
    )


def off(name: Name, reason: Reason = "", as_: As = "", folder: Folder = Path()) -> None:
    """They may nothing any more, at once: no token of theirs opens anything, nobody acts for them."""
    govern(folder, as_, lambda connection, by: roll.turn_off(connection, name, by=by, reason=reason))


def on(name: Name, reason: Reason = "", as_: As = "", folder: Folder = Path()) -> None:
    """They may again what is granted to them and to their groups."""
    govern(folder, as_, lambda connection, by: roll.turn_on(connection, name, by=by, reason=reason))


def group(
    name: Annotated[str, typer.Argument(help="The group, as runbooks name it.", metavar="GROUP")],
    move: Annotated[Move, typer.Argument(help="add or remove.")],
    person: Annotated[str, typer.Argument(help="Whom.")],
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Put a person into a group, or take them out. A group begins with its first member."""
    do = groups.join if move == Move.ADD else groups.leave
    govern(folder, as_, lambda connection, by: do(connection, name, person, by=by))


def _accounts(given: list[str] | None) -> dict[str, str]:
    pairs = [each.partition("=") for each in given or ()]
    if wrong := next((name + sign for name, sign, _ in pairs if not (name and sign)), None):
        raise typer.BadParameter(f"{wrong!r}: write CONNECTION=USER", param_hint="--account")
    return {name: user for name, _, user in pairs}


COMMANDS = {"add": add, "change": change, "off": off, "on": on, "group": group}
