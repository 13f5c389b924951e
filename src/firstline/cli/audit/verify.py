"""`firstline audit verify`: whether anybody has edited what the ledger tells."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from firstline import settings
from firstline.cli import project, reach
from firstline.cli.audit.pack import verify_pack
from firstline.cli.option import Folder
from firstline.ledger import key as keys
from firstline.ledger.checkpoint import Untrue, Verifier, opened
from firstline.ledger.folder import stand
from firstline.ledger.verify import Verdict, included
from firstline.ledger.verify import verify as verify_all
from firstline.settings import Settings


def verify(
    pack: Annotated[
        Path | None, typer.Argument(help="A pack of `audit export`; default: the ledger.", exists=True, dir_okay=False)
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A key you trust: name+id+base64. Default: those kept with the ledger.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file of checkpoints from off the box, to be held against it.", exists=True, dir_okay=False
        ),
    ] = None,
    entry: Annotated[
        str, typer.Option(help="Ask for one entry alone, by its position or id: is it --in a file's?")
    ] = "",
    in_: Annotated[
        Path | None, typer.Option("--in", help="The file of a checkpoint.", exists=True, dir_okay=False)
    ] = None,
    folder: Folder = Path(),
) -> None:
    """Check the whole ledger, while the hub runs or not, or a pack without its hub. Reads only. Each finding is a line;
    exits with 1 if there is any."""
    if pack and (checkpoint or entry or in_):
        raise typer.BadParameter("a pack is checked by keys alone; --checkpoint, --entry and --in ask the hub's ledger")
    if pack:
        return verify_pack(pack, key or ())
    if bool(entry) != bool(in_):
        raise typer.BadParameter("--entry needs the checkpoint it is looked for --in, and the other way round")
    found = settings.load(folder)
    trusted = _trusted(found, key or ())
    if in_:
        return _included(found, trusted, entry, in_)
    return _print(_verified(found, trusted, checkpoint or ()))


def _trusted(found: Settings, given: Sequence[str]) -> list[Verifier]:
    kept = keys.folder(found)
    if not given:
        typer.echo(f"note: trusted are the keys in {kept.public}; name the one you were given with --key", err=True)
    try:
        return [Verifier.parse(each) for each in given] if given else kept.verifiers()
    except Untrue as error:
        raise typer.BadParameter(str(error), param_hint="--key" if given else str(kept.public)) from error


def _verified(found: Settings, trusted: Sequence[Verifier], given: Sequence[Path]) -> Verdict:
    notes = list(_notes(found, given))  # before the database: a running hub writes there first

    with reach.reading(found) as connection:
        return verify_all(connection, trusted, notes)


def _notes(found: Settings, given: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Of the ledger's folder, of the files that checkpoints are published to, and of those that were given."""
    yield from keys.folder(found).notes()
    published = (Path(place.removeprefix("file:")) for place in found.ledger.publish if place.startswith("file:"))
    for path in (*published, *given):
        yield from stand(path)


def _print(verdict: Verdict) -> None:
    for finding in verdict.findings.told:
        typer.echo(finding)
    if verdict.waiting:
        typer.echo(
            f"note: without a place in the tree yet, so that nothing proves them: {verdict.waiting} entries", err=True
        )
    if verdict.findings.count:
        typer.echo(f"not intact: {verdict.findings.count} findings", err=True)
        raise typer.Exit(project.FINDINGS)
    typer.echo(f"intact: {verdict.entries} entries, {verdict.rows} rows, {verdict.checkpoints} checkpoints")


def _included(found: Settings, trusted: Sequence[Verifier], entry: str, file: Path) -> None:
    note = [each for _, each in stand(file)][-1:]
    try:
        signed = opened(note[0] if note else "", trusted)
        with reach.reading(found) as connection:
            text = included(connection, entry, signed)
    except Untrue as error:
        typer.echo(f"no: {error}")
        raise typer.Exit(project.FINDINGS) from error
    typer.echo(f"yes: it is in the tree of {signed.size} entries that was signed\n{text}")
