"""`firstline check`: every fault in settings, mappings, runbooks, test cases, notes and calendars, with its place."""

from pathlib import Path

import typer

from firstline.cli import project
from firstline.cli.option import Folder
from firstline.errors import Misdeclared
from firstline.mapping.testing import load_cases
from firstline.remediation.hold import calendar
from firstline.remediation.note import template
from firstline.store.table import now


def check(folder: Folder = Path(), mappings: project.Mappings = None) -> None:
    """Look for mistakes in firstline.toml, the packs, the templates of notes and the calendars. Prints file:line:column
    and what is wrong; exits with 1 if there is any."""
    packs = project.load(folder, mappings)
    errors = [*project.unknown_connectors(folder), *project.unknown_executors(folder, packs), *packs.errors]
    errors += (error for name in packs.names for error in load_cases(packs.folder / name)[1])
    errors += template.faults(project.notes_of(folder))
    errors += map(Misdeclared, calendar.faults(project.calendars_of(folder), now()))
    project.tell(errors)
    if errors:
        typer.echo(f"{len(errors)} mistake{'s' * (len(errors) != 1)}.", err=True)
        raise typer.Exit(project.FINDINGS)
    typer.echo(
        f"No mistakes: {len(packs.names)} packs, {len(packs.mappings)} mappings, {len(packs.runbooks)} runbooks."
    )
