"""`firstline test`: the packs' own test cases."""

from pathlib import Path

import typer

from firstline.cli import project
from firstline.cli.option import Folder
from firstline.mapping.testing import Result, run


def test(folder: Folder = Path(), mappings: project.Mappings = None) -> None:  # noqa: PT028 - a command, not a test
    """Run the packs' test cases with the code that runs in production. Exits with 1 if a case fails."""
    report = run(project.load_sound(folder, mappings))
    project.tell(report.errors)
    for result in report.results:
        _tell(result)
    for mapping in report.uncovered:
        typer.echo(f"no case covers {mapping}")
    passed = sum(result.passed for result in report.results)
    typer.echo(f"{passed} of {len(report.results)} cases passed; {len(report.uncovered)} mappings without a case.")
    if not report.passed:
        raise typer.Exit(project.FINDINGS)


def _tell(result: Result) -> None:
    if result.passed:
        typer.echo(f"ok    {result.pack}: {result.name}")
        return
    typer.echo(f"{result.place}: {result.pack}: {result.name}")
    for difference in result.differences:
        typer.echo(f"      {difference}")
