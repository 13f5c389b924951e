"""`firstline check`: every fault in settings, mappings, runbooks and test cases, with its place."""

from pathlib import Path

import typer

from firstline.cli import project
from firstline.cli.option import Folder
from firstline.mapping.testing import load_cases


def check(folder: Folder = Path(), mappings: project.Mappings = None) -> None:
    """Look for mistakes in firstline.toml and the packs. Prints file:line:column: what is wrong; exits with 1 if there
    is any."""
    packs = project.load(folder, mappings)
    errors = [*project.unknown_connectors(folder), *packs.errors]
    errors += (error for name in packs.names for error in load_cases(packs.folder / name)[1])
    project.tell(errors)
    if errors:
        typer.echo(f"{len(errors)} mistake{'s' * (len(errors) != 1)}.", err=True)
        raise typer.Exit(project.FINDINGS)
    typer.echo(
        f"No mistakes: {len(packs.names)} packs, {len(packs.mappings)} mappings, {len(packs.runbooks)} runbooks."
    )
