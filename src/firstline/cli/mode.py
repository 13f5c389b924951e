"""`firstline mode`: how much each mapping may do by itself, and who gave or took it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from firstline import settings
from firstline.access import Right
from firstline.cli import project, reach
from firstline.cli.actor import As, actor
from firstline.cli.option import Folder
from firstline.errors import Rejected
from firstline.mapping import CompiledMapping
from firstline.mapping.model import Mode
from firstline.remediation import mode as modes
from firstline.remediation import promotion

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
            key = (each.name, environment)
            declared, last = each.declaration.mode_in(environment), moved.get(key)
            counts = modes.counting(declared, last, each.runbook, earned=loaded.modes.autonomy == "earned")
            record = database.read_now(lambda connection, key=key: promotion.shown(connection, key))  # type: ignore[misc]
            why = f"{last.by}: {last.reason}" if last else ""
            table.add_row(each.name, declared, counts, str(record.successes), escape(why))
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
    key = (name, environment or loaded.hub.environment)
    found = _find(project.load_sound(folder, None).mappings, name)
    declared = found.declaration.mode_in(key[1])
    database = reach.database(loaded)
    try:
        by = database.read_now(lambda connection: actor(connection, as_, Right.GOVERN, pack=found.pack))
        if up:
            record = database.write_now(
                lambda c: promotion.promote(c, key, declared, to, by, reason, loaded.modes.successes)
            )
            typer.echo(f"{name} in {key[1]}: mode {to}, on {record.successes} verified successes")
            return
        if not reason.strip():
            raise typer.BadParameter("say why", param_hint="--reason")
        database.write_now(lambda connection: modes.move(connection, key, to, declared, reason.strip(), {}, by=by))
        typer.echo(f"{name} in {key[1]}: mode {to}")
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
