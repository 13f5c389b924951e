"""Rights: granted, taken away, and for a time exercised by another."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from firstline import settings
from firstline.access import Right, delegation
from firstline.access import grant as grants
from firstline.access.right import EVERY
from firstline.cli.actor import As, act, actor
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
    do = _apply(grants.grant, holder, right, pack, environment)
    act(folder, as_, do, Right.GOVERN, pack=pack, environment=environment)


def revoke(
    holder: Holder,
    right: Rights,
    pack: Pack = EVERY,
    environment: Environment = EVERY,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Take rights away, as they were granted: with the same pack and environment."""
    do = _apply(grants.revoke, holder, right, pack, environment)
    act(folder, as_, do, Right.GOVERN, pack=pack, environment=environment)


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

    def do(connection: sa.Connection, _: str) -> str:
        by = _who_says(connection, as_, giver, folder)
        return delegation.delegate(connection, giver, taker, since=begin, until=end, reason=reason, by=by)

    typer.echo(act(folder, "", do))


def undelegate(
    delegation_id: Annotated[str, typer.Argument(help="As `show` and `delegate` print it.", metavar="ID")],
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """End a delegation now."""

    def do(connection: sa.Connection, _: str) -> None:
        found = delegation.find(connection, delegation_id)
        by = _who_says(connection, as_, found["giver"] if found else "", folder)
        delegation.end(connection, delegation_id, by=by)

    act(folder, "", do)


def _who_says(connection: sa.Connection, named: str, giver: str, folder: Path) -> str:
    """Who approves says who gives their approvals; who governs all packs says it for others."""
    if named == giver:
        return actor(connection, named, Right.APPROVE)
    environment = settings.load(folder).hub.environment
    return actor(connection, named, Right.GOVERN, pack=EVERY, environment=environment)


def _apply(
    do: Callable[..., None], holder: str, rights: list[Right], pack: str, environment: str
) -> Callable[[sa.Connection, str], None]:
    def apply(connection: sa.Connection, by: str) -> None:
        found = grants.holder_of(connection, holder)
        do(connection, found, rights, pack=pack, environment=environment, by=by)

    return apply


COMMANDS = {"grant": grant, "revoke": revoke, "delegate": delegate, "undelegate": undelegate}
