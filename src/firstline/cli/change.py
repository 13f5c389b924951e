"""`firstline change`: what is pre-approved, and the changes of Firstline's own register."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import anyio
import sqlalchemy as sa
import typer
from rich.table import Column, Table

from firstline import settings
from firstline.access import Right
from firstline.cli import project, reach
from firstline.cli.actor import As, act, actor
from firstline.cli.connection import chosen, opened
from firstline.cli.option import Folder, moment
from firstline.connector import ChangeRegister
from firstline.errors import FirstlineError, Rejected
from firstline.governor import Governor
from firstline.incident import Reference
from firstline.masking import Masker
from firstline.register import change as changes
from firstline.register import pin as pinning
from firstline.register import shown
from firstline.register.proposal import Proposals
from firstline.runbook import Runbook
from firstline.settings import OWN_REGISTER, Settings
from firstline.store.table import CHANGE, STANDARD

T = TypeVar("T")

change = typer.Typer(help="What is pre-approved, and the changes of Firstline's own register.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="The runbook, with its pack.", metavar="PACK/RUNBOOK")]
Number = Annotated[str, typer.Argument(help="The change, as CHG0000001.", metavar="NUMBER")]


@change.command("list")
def list_(
    state: Annotated[str, typer.Option(help="Only those in this state: new, scheduled, implement ...")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    folder: Folder = Path(),
) -> None:
    """The changes of Firstline's own register, newest first."""
    where = [CHANGE.c.state == state] if state else []
    table = Table("Number", "Type", "State", "Approval", "Planned (UTC)", Column("What", overflow="fold"), box=None)
    for one in _read(folder, lambda connection: shown.newest(connection, limit, "", *where)):
        planned = f"{one.planned_start:%Y-%m-%d %H:%M}" if one.planned_start else ""
        table.add_row(one.number, one.type, one.state, one.approval, planned, project.cell(one.short_description))
    project.console().print(table)


@change.command()
def show(number: Number, folder: Folder = Path()) -> None:
    """One change, with all that stands on it, as JSON."""
    found = _read(folder, lambda connection: shown.one(connection, number))
    if found is None:
        typer.echo(f"there is no change {number} in Firstline's own register", err=True)
        raise typer.Exit(project.FINDINGS)
    typer.echo(found.model_dump_json(indent=2))


@change.command()
def reschedule(
    number: Number,
    start: Annotated[str, typer.Option("--from", help="Planned start, as 2026-12-24T02:00Z.")],
    end: Annotated[str, typer.Option("--to", help="Planned end.")],
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Plan a change of Firstline's own register for another time, before it begins."""
    begin, until = moment(start, "--from"), moment(end, "--to")
    _act(
        folder,
        as_,
        None,
        lambda connection, by: changes.reschedule(connection, changes.counted(number), begin, until, by),
    )


@change.command()
def pin(
    runbook: Named,
    template: Annotated[str, typer.Option(help="The standard change's template; default: as the runbook says.")] = "",
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Pre-approve a runbook as it is in the mappings folder now: from here on its changes are standard ones. Another
    version is not: its changes are normal ones until it is pinned too."""
    pack, found = _runbook(folder, runbook)
    under = _act(folder, as_, pack, lambda connection, by: pinning.pin(connection, pack, found, by, template))
    typer.echo(f"{runbook} {found.version} is pre-approved under {under}\ndigest {found.digest}")


@change.command()
def unpin(
    runbook: Named,
    digest: Annotated[str, typer.Option(help="Only the version whose digest begins so; default: all.")] = "",
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Take a pre-approval back: from here on the runbook's changes are normal ones."""
    pack = runbook.partition("/")[0]
    gone = _act(folder, as_, pack, lambda connection, by: pinning.unpin(connection, runbook, by, digest))
    if not gone:
        typer.echo(f"{runbook} is not pre-approved", err=True)
        raise typer.Exit(project.FINDINGS)
    typer.echo("\n".join(f"{runbook} is no longer pre-approved: digest {each}" for each in gone))


@change.command()
def pins(folder: Folder = Path()) -> None:
    """What is pre-approved, and whether the mappings folder has that version now."""
    current = {(f"{pack}/{name}", one.digest) for (pack, name), one in project.load(folder, None).runbooks.items()}
    table = Table(Column("Runbook", overflow="fold"), "Digest", "In use", "By", "On", "Template", box=None)
    query = sa.select(STANDARD).order_by(STANDARD.c.runbook, STANDARD.c.at)
    for row in _read(folder, lambda connection: connection.execute(query).mappings().all()):
        in_use = "yes" if (row["runbook"], row["digest"]) in current else "no"
        by, template = project.cell(row["by"]), project.cell(row["template"])
        table.add_row(row["runbook"], row["digest"][:12], in_use, by, f"{row['at']:%Y-%m-%d}", template)
    project.console().print(table)


@change.command()
def propose(
    runbook: Named,
    connection: Annotated[str, typer.Option(help="The register; default: `changes.register`.")] = "",
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Propose a runbook to the change managers as a standard change, with the evidence of its past runs."""
    pack, found = _runbook(folder, runbook)
    loaded = settings.load(folder)
    name = connection or loaded.changes.register_
    if name == OWN_REGISTER:
        typer.echo(f"Firstline's own register takes no proposals: `firstline change pin {runbook}`", err=True)
        raise typer.Exit(project.FINDINGS)
    loaded, _ = chosen(folder, name)
    try:
        made = anyio.run(_propose, loaded, name, pack, found, as_)
    except FirstlineError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(project.FINDINGS) from None
    typer.echo(f"{runbook} {found.version} is proposed as {made.label} in {name} {made.url}".rstrip())


async def _propose(loaded: Settings, name: str, pack: str, runbook: Runbook, as_: str) -> Reference:
    database = reach.database(loaded)
    try:
        here = {"pack": pack, "environment": loaded.hub.environment}
        by = database.read_now(lambda connection: actor(connection, as_, Right.WRITE, **here))
        async with opened(loaded, name) as connector:
            if not isinstance(connector, ChangeRegister):
                raise Rejected(f"the connection {name!r} ({connector.name}) keeps no change requests")
            governor = Governor(database, {name: connector}, {name: loaded.budget(name)}, loaded.alarms.connection)
            proposals = Proposals(database, governor, Masker(loaded.known_secrets))
            try:
                return await proposals.propose(name, connector, pack, runbook, by)
            finally:
                await governor.close()
    finally:
        database.close()


def _runbook(folder: Path, named: str) -> tuple[str, Runbook]:
    """Its pack, and itself as it is now."""
    pack, _, name = named.partition("/")
    there = project.load_sound(folder, None).runbooks
    if (pack, name) not in there:
        known = ", ".join("/".join(key) for key in there) or "none"
        raise typer.BadParameter(f"there is no runbook {named!r}; there are: {known}", param_hint="PACK/RUNBOOK")
    return pack, there[pack, name]


def _act(folder: Path, as_: str, pack: str | None, do: Callable[[sa.Connection, str], T]) -> T:
    """As who may govern there."""
    here = {"pack": pack, "environment": settings.load(folder).hub.environment}
    return act(folder, as_, lambda connection, _: do(connection, actor(connection, as_, Right.GOVERN, **here)))


def _read(folder: Path, look: Callable[[sa.Connection], T]) -> T:
    return act(folder, "", lambda connection, _: look(connection))
