"""`firstline doctor`: whether each connection can work, and the mend where it can't."""

from pathlib import Path
from typing import Annotated, Any

import anyio
import orjson
import sqlalchemy as sa
import typer
from rich.markup import escape
from rich.table import Column, Table

from firstline import assembly
from firstline.cli import project, reach
from firstline.cli.connection import chosen, opened
from firstline.cli.option import Folder
from firstline.errors import Misdeclared, Unavailable
from firstline.finding import Finding
from firstline.intake.health import findings
from firstline.mapping import load_packs
from firstline.masking import Masker
from firstline.settings import Settings
from firstline.store import Database

EXECUTOR = "executor:"


def doctor(
    name: Annotated[
        str, typer.Argument(help="A connection, or executor:NAME; default: all that are used.", metavar="[NAME]")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    folder: Folder = Path(),
) -> None:
    """Look at each connection: sign-in, rights, fields, states, time zone, clock, webhook, budget, TLS; and at each
    executor that firstline.toml or a runbook names: what is installed, reachable and permitted. Exits with 1 if
    anything is wrong."""
    found, names = _chosen(folder, name)
    database = reach.database(found)
    try:
        seen = anyio.run(_look, found, names, database)
    finally:
        database.close()
    if json:
        shown = {name: [finding.model_dump() for finding in each] for name, each in seen.items()}
        typer.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(seen)
    if not all(finding.ok for each in seen.values() for finding in each):
        raise typer.Exit(project.FINDINGS)


async def _look(found: Settings, names: list[str], database: Database) -> dict[str, list[Finding]]:
    seen: dict[str, list[Finding]] = {}
    mask = Masker(found.known_secrets)  # a vendor's words may quote what it was sent

    async def one(name: str) -> None:
        seen[name] = [mask.model(finding) for finding in await _examine(found, name, database)]

    async with anyio.create_task_group() as group:
        for name in names:
            seen[name] = []  # in the order of the settings, whoever answers first
            group.start_soon(one, name)
    return seen


def _chosen(folder: Path, name: str) -> tuple[Settings, list[str]]:
    executor = name.removeprefix(EXECUTOR) if name.startswith(EXECUTOR) else ""
    found, connections = chosen(folder, "" if executor else name)
    if name and not executor:
        return found, connections
    used = executors(found)
    if executor and executor not in used:
        raise Misdeclared(f"there is no executor {executor!r}; there are: {', '.join(used)}")
    return found, [name] if executor else [*connections, *(f"{EXECUTOR}{each}" for each in used)]


def executors(found: Settings) -> list[str]:
    """Those that firstline.toml or a runbook names."""
    runbooks = load_packs(found.mappings).runbooks.values() if found.mappings.is_dir() else ()
    return sorted({*found.executors, *(name for each in runbooks for name in each.declaration.executors)})


async def _examine(found: Settings, name: str, database: Database) -> list[Finding]:
    """What can't even be made is a finding too: the others are looked at all the same."""
    try:
        if name.startswith(EXECUTOR):
            return await _executor(found, name.removeprefix(EXECUTOR))
        async with opened(found, name) as connector:
            vendor = await connector.check()
    except (Misdeclared, Unavailable) as error:
        return [Finding(ok=False, subject="settings", message=str(error), mend="mend firstline.toml or the secret")]

    def own(connection: sa.Connection) -> list[Finding]:
        return findings(connection, name, found.intake(name))

    return vendor + await database.read(own)


async def _executor(found: Settings, name: str) -> list[Finding]:
    if name not in assembly.executor_kinds(found):
        raise Misdeclared(f"a runbook names it, but firstline.toml has no [executors.{name}], and none is called so")
    executor = assembly.executor(found, name)
    try:
        return await executor.check()
    finally:
        await executor.aclose()


def _print(seen: dict[str, list[Finding]]) -> None:
    console = project.console()
    for name, each in seen.items():
        wrong = sum(not finding.ok for finding in each)
        console.print(f"[bold]{escape(name)}[/]: {'all well' if not wrong else f'{wrong} to mend'}")
        table = Table("", "what", Column("found", overflow="fold"), box=None, pad_edge=False, show_header=False)
        for finding in each:
            table.add_row(*_row(finding))
        console.print(table)
        console.print()


def _row(finding: Finding) -> tuple[Any, ...]:
    mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
    mend = f"\n[bold]mend:[/] {escape(finding.mend)}" if finding.mend and not finding.ok else ""
    return mark, escape(finding.subject), escape(finding.message) + mend
