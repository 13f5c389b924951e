"""`firstline mode`: how much each mapping may do by itself, and who gave or took it."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from firstline import settings
from firstline.access import Right
from firstline.cli import project, reach
from firstline.cli.actor import As, actor
from firstline.cli.option import Folder
from firstline.errors import Rejected
from firstline.mapping import CompiledMapping
from firstline.mapping.model import Mode
from firstline.remediation.autonomy import mode as modes
from firstline.remediation.autonomy import promotion

mode = typer.Typer(help="How much each mapping may do by itself: show it, promote, take back.", no_args_is_help=True)

Mapping = Annotated[str, typer.Argument(help="The mapping's full name: PACK/ID.")]
Environment = Annotated[str, typer.Option(help="Default: the hub's, from firstline.toml.")]
Reason = Annotated[str, typer.Option(help="Why; stands in the ledger.")]


@mode.command("list")
def list_(folder: Folder = Path()) -> None:
    """Each mapping: what it declares, what counts, what it has shown."""
    loaded = settings.load(folder)
    environment = loaded.hub.environment
    mappings = project.load_sound(folder, None).mappings
    database = reach.database(loaded)
    table = Table("mapping", "declares", "counts", "shown", Column("why", overflow="fold"), box=None, pad_edge=False)
    try:
        moved = database.read_now(modes.read)
        for each in mappings:
            declared, last = each.declaration.mode_in(environment), moved.get((each.name, environment))
            earned = loaded.modes.autonomy == "earned"
            counts = modes.counting(declared, last, each.runbook, earned=earned, digest=each.digest)
            record = database.read_now(partial(promotion.shown, mapping=each, environment=environment))
            table.add_row(each.name, declared, counts.mode, str(record.successes), project.cell(counts.why))
    finally:
        database.close()
    project.console().print(table)


@mode.command()
def promote(
    mapping: Mapping,
    to: Annotated[str, typer.Option(help="suggest, approve or auto.")] = "auto",
    reason: Reason = "",
    environment: Environment = "",
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Let a mapping do more by itself. `auto` asks for a row of verified successes in mode approve."""
    _set(folder, mapping, environment, _mode(to), reason, as_, up=True)


@mode.command()
def demote(
    mapping: Mapping,
    to: Annotated[str, typer.Option(help="observe, suggest or approve.")] = "approve",
    reason: Reason = "",
    environment: Environment = "",
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Let a mapping do less by itself, from now on."""
    _set(folder, mapping, environment, _mode(to), reason, as_, up=False)


def _set(folder: Path, name: str, environment: str, to: Mode, reason: str, as_: str, *, up: bool) -> None:
    loaded = settings.load(folder)
    where = environment or loaded.hub.environment
    found = _find(project.load_sound(folder, None).mappings, name)
    given = (found, where, to)
    database = reach.database(loaded)
    try:
        by = database.read_now(
            lambda connection: actor(connection, as_, Right.GOVERN, pack=found.pack, environment=where)
        )
        if up:
            needed, register = loaded.modes.successes, promotion.taker(loaded)
            record = database.write_now(lambda c: promotion.promote(c, *given, by, reason, needed, register))
            typer.echo(f"{name} in {where}: mode {to}, on {record.successes} verified successes")
        else:
            database.write_now(lambda connection: promotion.lower(connection, *given, by, reason))
            typer.echo(f"{name} in {where}: mode {to}")
    except Rejected as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(project.FINDINGS) from None
    finally:
        database.close()


def _find(mappings: list[CompiledMapping], name: str) -> CompiledMapping:
    found = next((each for each in mappings if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in mappings) or "none"
        raise typer.BadParameter(f"there is no mapping {name!r}; there are: {known}", param_hint="mapping")
    return found


def _mode(text: str) -> Mode:
    for each in modes.ORDER:
        if each == text:
            return each
    raise typer.BadParameter(f"{text!r} is no mode; there are: {', '.join(modes.ORDER)}", param_hint="--to")
