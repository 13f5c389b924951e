"""Rights: granted, taken away, and for a time exercised by another."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from firstline.access import Right, delegation
from firstline.access import grant as grants
from firstline.access.right import EVERY
from firstline.cli.actor import As, act
from firstline.cli.option import Folder, moment

Holder = Annotated[str, typer.Argument(help="A person, a group, or group:NAME of one that is empty yet.")]
Rights = Annotated[list[Right], typer.Argument(help="see, run, approve, write, govern.")]
Pack = Annotated[str, typer.Option(help="For one pack; default: all.")]
Environment = Annotated[str, typer.Option(help="In one environment; default: all.")]


def grant(
    holder: Holder,
    right: Rights,
    pack: Pack = EVERY,
    environment: Environment = EVERY,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Give a person or a group rights."""
    act(folder, as_, _apply(grants.grant, holder, right, pack, environment))


def revoke(
    holder: Holder,
    right: Rights,
    pack: Pack = EVERY,
    environment: Environment = EVERY,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Take rights away, as they were granted: with the same pack and environment."""
    act(folder, as_, _apply(grants.revoke, holder, right, pack, environment))


def delegate(
    giver: Annotated[str, typer.Argument(help="Whose approvals.")],
    taker: Annotated[str, typer.Argument(help="Who may give them.")],
    until: Annotated[str, typer.Option(help="As 2026-12-24T18:00Z.")],
    reason: Annotated[str, typer.Option(help="It stands in the ledger.")],
    since: Annotated[str, typer.Option("--from", help="Default: now.")] = "",
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """For a time, let one person give another's approvals. Prints the delegation's id."""
    end = moment(until, "--until")
    begin = moment(since, "--from") if since else None
    made = act(
        folder,
        as_,
        lambda connection, by: delegation.delegate(
            connection, giver, taker, since=begin, until=end, reason=reason, by=by
        ),
    )
    typer.echo(made)


def undelegate(
    delegation_id: Annotated[str, typer.Argument(help="As `show` and `delegate` print it.", metavar="ID")],
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """End a delegation now."""
    act(folder, as_, lambda connection, by: delegation.end(connection, delegation_id, by=by))


def _apply(
    do: Callable[..., None], holder: str, rights: list[Right], pack: str, environment: str
) -> Callable[[sa.Connection, str], None]:
    def apply(connection: sa.Connection, by: str) -> None:
        found = grants.holder_of(connection, holder)
        do(connection, found, rights, pack=pack, environment=environment, by=by)

    return apply


COMMANDS = {"grant": grant, "revoke": revoke, "delegate": delegate, "undelegate": undelegate}
