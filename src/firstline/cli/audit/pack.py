"""Says what a pack proves: the part of `firstline audit verify` that needs no hub."""

from collections.abc import Sequence
from pathlib import Path

import typer

from firstline.cli import project
from firstline.evidence.verify import verify
from firstline.ledger.checkpoint import Untrue, Verifier


def verify_pack(pack: Path, keys: Sequence[str] = ()) -> None:
    """Print what is wrong with a pack, a line each, and end with 1; else what it proves. `keys`: texts of the keys that
    are trusted."""
    try:
        verdict = verify(pack, map(Verifier.parse, keys))
    except Untrue as error:
        raise typer.BadParameter(str(error), param_hint="--key") from error
    for note in verdict.notes:
        typer.echo(f"note: {note}", err=True)
    for finding in verdict.findings:
        typer.echo(finding)
    if verdict.findings:
        raise typer.Exit(project.FINDINGS)
    size = verdict.checkpoint.size if verdict.checkpoint else 0
    typer.echo(
        f"intact: {verdict.files} files, {verdict.entries} entries and {verdict.rows} rows, in the tree of {size} "
        "entries that these keys signed:"
    )
    for key in verdict.keys:
        typer.echo(f"  {key}")
