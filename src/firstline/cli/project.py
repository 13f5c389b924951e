"""What the commands for pack authors share: where the packs are, and how their faults are told."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from firstline import assembly, registry, settings
from firstline.errors import Misdeclared
from firstline.mapping import Packs, load_packs
from firstline.visible import plain

FINDINGS = 1
USAGE = 2

Mappings = Annotated[
    Path | None,
    typer.Option("--mappings", help="The folder of packs; default: as firstline.toml says.", file_okay=False),
]


def load(folder: Path, mappings: Path | None) -> Packs:
    """The packs of a project, with their errors. Ends the command where there are none to read."""
    chosen = mappings or mappings_of(folder)
    if not chosen.is_dir():
        typer.echo(f"There is no folder {chosen}. Name the project's folder with --folder.", err=True)
        raise typer.Exit(USAGE)
    return load_packs(chosen)


def load_sound(folder: Path, mappings: Path | None) -> Packs:
    """The packs; ends the command when they have errors, after printing them."""
    packs = load(folder, mappings)
    if packs.errors:
        tell(packs.errors)
        raise typer.Exit(FINDINGS)
    return packs


def mappings_of(folder: Path) -> Path:
    """A folder of packs alone can be checked too, say in its own repository's CI."""
    if not (folder / settings.FILE).exists():
        return folder / "mappings"
    return shown(settings.load(folder).mappings)


def notes_of(folder: Path) -> Path:
    """The folder of the operator's templates for notes."""
    return shown(settings.load(folder).notes) if (folder / settings.FILE).exists() else folder / "notes"


def calendars_of(folder: Path) -> Path:
    """The folder of freezes and maintenance windows."""
    return shown(settings.load(folder).calendars) if (folder / settings.FILE).exists() else folder / "calendars"


def unknown_connectors(folder: Path) -> list[Misdeclared]:
    """The connections whose connector is not installed. Their secrets are looked for at the start only: where packs are
    checked, nobody has them."""
    place = folder / settings.FILE
    faults = []
    for name, table in (settings.load(folder).connections if place.exists() else {}).items():
        try:
            registry.connector(table["connector"])
        except Misdeclared as error:
            faults.append(Misdeclared(error.reason, place=f"{place} [connections.{name}]"))
    return faults


def unknown_executors(folder: Path, packs: Packs) -> list[Misdeclared]:
    """The executors that runbooks name and firstline.toml does not, where there is one."""
    place = folder / settings.FILE
    if not place.exists():
        return []
    known = assembly.executor_kinds(settings.load(folder))
    return [
        Misdeclared(
            f"names the executor {name!r}, but firstline.toml has no [executors.{name}]; there are: {', '.join(known)}",
            place=str(runbook.folder / "runbook.yaml"),
        )
        for runbook in packs.runbooks.values()
        for name in sorted(runbook.declaration.executors - known.keys())
    ]


def shown(path: Path) -> Path:
    """The path as a person standing here would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def environment_of(folder: Path) -> str:
    return settings.load(folder).hub.environment if (folder / settings.FILE).exists() else "prod"


def tell(errors: Iterable[Misdeclared]) -> None:
    """One line for each, in the form that editors and CI systems make a link of."""
    for error in errors:
        typer.echo(str(error))


def cell(text: str) -> str:
    """Text of others for a table of `console`: no markup, and nothing that a terminal obeys."""
    return escape(plain(text))


def console() -> Console:
    return Console(highlight=False, soft_wrap=False)
