"""`firstline secret`: our own encrypted store, and whether each secret can be had."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import sqlalchemy as sa
import typer
from rich.table import Column, Table

from firstline import settings
from firstline.access import Right
from firstline.access.right import EVERY
from firstline.cli import project, reach
from firstline.cli.actor import As, actor
from firstline.cli.option import Folder
from firstline.errors import FirstlineError, Rejected
from firstline.finding import Finding
from firstline.ledger import record
from firstline.masking import SHORTEST
from firstline.secret.store import new_key
from firstline.settings import Settings

T = TypeVar("T")

secret = typer.Typer(help="Secrets: our own encrypted store, and who may have which.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As references name it: store:NAME.")]


@secret.command()
def key(
    to: Annotated[Path | None, typer.Option(help="A new file for it, for its owner alone; default: print it.")] = None,
) -> None:
    """Make a key for the store. Who has it and the state folder has the secrets: keep them apart."""
    made = new_key()
    if to is None:
        typer.echo(made)
        return
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{made}\n")
    typer.echo(f'The key is in {to}. Write [secrets] key = "file:{to}" in firstline.toml.')


@secret.command("set")
def set_(name: Name, as_: As = "", folder: Folder = Path()) -> None:
    """Keep a secret. Its value is asked for, or read from standard input: never an argument, which others would see."""
    found, value = settings.load(folder), _value(name)
    version = _in_ledger(found, as_, name, "secret set", lambda: found.references.store.set(name, value))
    typer.echo(f"store:{name} is kept, version {version}.")


@secret.command()
def remove(name: Name, as_: As = "", folder: Folder = Path()) -> None:
    """Forget a secret. What refers to it fails from then on."""
    found = settings.load(folder)
    _in_ledger(found, as_, name, "secret removed", lambda: found.references.store.remove(name))
    typer.echo(f"store:{name} is forgotten.")


@secret.command()
def rotate(as_: As = "", folder: Folder = Path()) -> None:
    """Wrap each secret with secrets.key, where it is still wrapped with one of secrets.old_keys. All or none; what is
    running reads either."""
    found = settings.load(folder)
    names = _in_ledger(found, as_, "", "secret key rotated", found.references.store.rotate)
    typer.echo(f"{len(names)} wrapped anew. Nothing needs secrets.old_keys any more.")


@secret.command("list")
def list_(folder: Folder = Path()) -> None:
    """The names in the store, and the secrets that runbooks may name. No value is opened."""
    found = settings.load(folder)
    table = Table("Name", "Where it is", "Packs", "Executors", Column("Since", no_wrap=True), box=None, pad_edge=False)
    for name, kept in _told(found.references.store.names).items():
        table.add_row(f"store:{name}", f"version {kept.version}, key {kept.key}", "", "", kept.at)
    for name, grant in sorted(found.secrets_.names.items()):
        executors = "any" if grant.executors is None else ", ".join(grant.executors) or "none"
        table.add_row(name, project.cell(grant.from_), ", ".join(grant.packs) or "none", executors, "")
    project.console().print(table)


@secret.command()
def check(folder: Folder = Path()) -> None:
    """Whether each secret that firstline.toml refers to can be read, and is kept from others. Exits with 1 where one
    can't, or is not."""
    found = settings.load(folder).look_at_secrets()
    for finding in found:
        typer.echo(f"{'ok' if finding.ok else 'no'}  {finding.subject}: {finding.message}{_mend(finding)}")
    if not all(finding.ok for finding in found):
        raise typer.Exit(project.FINDINGS)


def _mend(finding: Finding) -> str:
    return f"; {finding.mend}" if finding.mend and not finding.ok else ""


def _value(name: str) -> str:
    if sys.stdin.isatty():
        value = typer.prompt(f"The value of {name}", hide_input=True, confirmation_prompt=True)
    else:
        value = sys.stdin.read().removesuffix("\n")
    if len(value.strip()) < SHORTEST:
        _refuse(f"A secret has at least {SHORTEST} characters: a shorter one could not be masked where it shows.")
    return str(value)


def _in_ledger(found: Settings, named: str, name: str, act: str, do: Callable[[], T]) -> T:
    """Do it, and tell it in the ledger, with the name alone, in one transaction. Without a database it is done and not
    told: the store must be writable before there is one; but then nobody can be asked what a person may."""
    subject, text = f"secret:{name or '*'}", f"{act}: {name or 'all'}"

    def both(connection: sa.Connection) -> T:
        by = actor(connection, named, Right.GOVERN, pack=EVERY, environment=found.hub.environment)
        record(connection, subject, act, text, by=by)
        return do()

    try:
        database = reach.database(found)
    except FirstlineError as missing:
        if named:
            _refuse(f"Whether {named} may do that can't be looked up: {missing}")
        typer.echo(f"Not told in the ledger: {missing}", err=True)
        return _told(do)
    try:
        return _told(lambda: database.write_now(both))
    finally:
        database.close()


def _told(do: Callable[[], T]) -> T:
    try:
        return do()
    except Rejected as refusal:
        _refuse(str(refusal))


def _refuse(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(project.FINDINGS)
