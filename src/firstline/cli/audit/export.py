"""`firstline audit export`: evidence for those who were not there, and the ledger for a SIEM."""

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import orjson
import sqlalchemy as sa
import typer

from firstline import settings
from firstline.cli import project, reach
from firstline.cli.actor import As, actor
from firstline.cli.option import Folder, moment
from firstline.errors import Rejected
from firstline.evidence import ocsf
from firstline.evidence.asked import Asked
from firstline.evidence.export import Maker, tell
from firstline.evidence.export import export as make
from firstline.evidence.maker import VERSION, maker
from firstline.evidence.pack import Manifest
from firstline.evidence.stream import entries
from firstline.ledger.checkpoint import Untrue
from firstline.masking import Masker
from firstline.store import Database
from firstline.store.database import snapshot

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Format(StrEnum):
    PACK = "pack"
    OCSF = "ocsf"


def export(
    incident: Annotated[str, typer.Option(help="All that was done for an incident: its number or id.")] = "",
    change: Annotated[str, typer.Option(help="All that a change covers: its number or id.")] = "",
    runbook: Annotated[str, typer.Option(help="All that a runbook has done: PACK/ID.")] = "",
    since: Annotated[str, typer.Option("--from", help="Begin of a period, as 2026-11-22T14:00Z.")] = "",
    until: Annotated[str, typer.Option("--to", help="End of the period, not included; default: now.")] = "",
    form: Annotated[
        Format, typer.Option("--format", help="pack: a zip that proves itself. ocsf: JSON lines for a SIEM.")
    ] = Format.PACK,
    out: Annotated[Path | None, typer.Option(help="The file; default: named after what was asked for.")] = None,
    as_: As = "",
    folder: Folder = Path(),
) -> None:
    """Write evidence of what was done: for an incident, a change, a runbook, or a period. `firstline audit verify`
    checks it without the hub. OCSF goes to the standard output unless a file is named; without a choice it is all."""
    asked = _asked(incident, change, runbook, since, until, everything=form == Format.OCSF)
    found = settings.load(folder)
    database = reach.database(found)
    try:
        by = database.read_now(partial(actor, named=as_))
        if form == Format.OCSF:
            _events(database, asked, by, out)
        else:
            made = maker(found, by, Masker(found.known_secrets))
            _pack(database, asked, made, out or Path(f"evidence-{_slug(asked)}.zip"))
    except (Rejected, Untrue) as refusal:
        typer.echo(str(refusal), err=True)
        raise typer.Exit(project.FINDINGS) from refusal
    finally:
        database.close()


def _asked(incident: str, change: str, runbook: str, since: str, until: str, *, everything: bool) -> Asked:
    chosen = [bool(each) for each in (incident, change, runbook, since or until)]
    if sum(chosen) > 1 or not (any(chosen) or everything):
        raise typer.BadParameter("one of --incident, --change, --runbook, or a period by --from and --to")
    begin = moment(since, "--from") if since else None
    end = moment(until, "--to") if until else None
    if begin and end and begin >= end:
        raise typer.BadParameter("must be before --to", param_hint="--from")
    return Asked(
        incident=incident,
        change=change,
        runbook=runbook,
        since=begin if any(chosen) else LONG_AGO,
        until=end,
    )


def _pack(database: Database, asked: Asked, made: Maker, out: Path) -> None:
    def write(connection: sa.Connection) -> Manifest:
        snapshot(connection)
        with _whole(out) as file:
            return make(connection, asked, file, made)

    manifest = database.read_now(write)
    with out.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    database.write_now(lambda connection: tell(connection, asked.words, digest, made.by))
    typer.echo(f"{out}: {_counted(manifest)}\nSHA-256 {digest}")
    for where, gaps in manifest.gaps.items():
        for gap in gaps:
            typer.echo(f"not in it: {where}: {gap}")
    if made.signer is None:
        typer.echo("its manifest is not signed: the key in state/ledger is not there, or not for you to read")


def _counted(manifest: Manifest) -> str:
    whole = manifest.population
    entries = f", {whole.entries} entries from {whole.first} to {whole.last}" if whole.first is not None else ""
    changes = f", {whole.changes} changes from {whole.first_change} to {whole.last_change}" if whole.changes else ""
    one = whole.remediations == 1
    return f"{whole.remediations} remediation{'' if one else 's'}{entries}{changes}"


def _events(database: Database, asked: Asked, by: str, out: Path | None) -> None:
    digest = hashlib.sha256()

    def write(connection: sa.Connection) -> None:
        snapshot(connection)
        with _whole(out) if out else _printed() as file:
            for line in entries(connection, asked):
                event = orjson.dumps(ocsf.event(line, VERSION)) + b"\n"
                digest.update(event)
                file.write(event)

    database.read_now(write)
    database.write_now(lambda connection: tell(connection, f"{asked.words} as OCSF", digest.hexdigest(), by))


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all, and for nobody else to read."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    try:
        with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:  # noqa: PTH123 - its mode
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _printed() -> Iterator[BinaryIO]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def _slug(asked: Asked) -> str:
    name = asked.incident or asked.change or asked.runbook or f"{asked.since or ''}-{asked.until or ''}"
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "period"
