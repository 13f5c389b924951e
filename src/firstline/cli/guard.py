"""`firstline guard`: what keeps remediations from going on, the kill switches, and the override."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.table import Column, Table

from firstline import settings
from firstline.access import find
from firstline.cli import logs, project, reach
from firstline.cli.actor import As, actor
from firstline.cli.option import Folder
from firstline.errors import Rejected
from firstline.guard.hold import moment
from firstline.masking import Masker
from firstline.remediation.hold import override as overrides
from firstline.remediation.hold import switch
from firstline.remediation.hold.calendar import Calendars
from firstline.remediation.hold.overview import Overview, overview
from firstline.remediation.hold.verdict import Verdict
from firstline.remediation.hold.verdict import why as verdicts
from firstline.settings import Settings
from firstline.store import Database
from firstline.store.table import now
from firstline.visible import plain

guard = typer.Typer(help="What keeps remediations from going on, and how to stop them.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The remediation's id.", metavar="REMEDIATION")]
Scope = Annotated[
    str,
    typer.Argument(
        help="all, connection:NAME, runbook:PACK/ID, service:NAME, environment:NAME, remediation:ID", metavar="SCOPE"
    ),
]
Reason = Annotated[str, typer.Option(help="Why; stands in the ledger.")]


@guard.command()
def why(remediation: Id, folder: Folder = Path()) -> None:
    """What each guard says of a remediation now. Exits with 1 where one holds it."""
    with _Hub(folder) as hub:
        windows = hub.calendars.look(now())
        found = hub.read(lambda connection: verdicts(connection, remediation, hub.settings.guards, windows, now()))
    if not found:
        typer.echo("It has ended; nothing holds it any more.")
        return
    table = Table("guard", "", Column("because", overflow="fold"), box=None, pad_edge=False)
    for each in found:
        table.add_row(each.guard, _says(each), project.cell("\n".join(_reasons(each))))
    project.console().print(table)
    if any(each.holds and not each.covered for each in found):
        raise typer.Exit(project.FINDINGS)


@guard.command("list")
def list_(
    folder: Folder = Path(), json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False
) -> None:
    """What is stopped, open, locked, frozen and held now."""
    with _Hub(folder) as hub:
        windows = hub.calendars.look(now())
        found = hub.read(lambda connection: overview(connection, windows, now()))
    if json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        typer.echo("\n".join(map(plain, _lines(found))) or "Nothing is stopped, open, locked, frozen or held.")


@guard.command()
def stop(scope: Scope, reason: Reason, as_: As = "", folder: Folder = Path()) -> None:
    """Throw a kill switch: nothing of its scope begins any more, not even the next step of what runs; what runs of a
    remediation that is named is ended. Needs the database alone, no running hub."""
    with _Hub(folder) as hub:
        thrown = hub.write(lambda connection: switch.throw(connection, scope, hub.who(connection, as_, scope), reason))
    typer.echo(f"{thrown} is stopped. `firstline guard lift {thrown} --reason ...` lets it go on.")


@guard.command()
def lift(scope: Scope, reason: Reason, as_: As = "", folder: Folder = Path()) -> None:
    """Lift a kill switch: what it held goes on where nothing else holds it."""
    with _Hub(folder) as hub:
        lifted = hub.write(lambda connection: switch.lift(connection, scope, hub.who(connection, as_, scope), reason))
    typer.echo(f"{lifted} goes on.")


@guard.command()
def override(
    remediation: Id,
    reason: Reason,
    as_: Annotated[str, typer.Option("--as", help="Who you are: a person here, with the right govern.")],
    folder: Folder = Path(),
) -> None:
    """Emergency: let one remediation past what holds it, as it is planned now; but for a kill switch, and for more
    targets than may be touched at once. Its incident, the ledger and who is called are told."""
    with _Hub(folder) as hub:
        made = hub.write(lambda connection: _override(connection, hub.settings, remediation, as_, reason))
    typer.echo(f"{remediation} is let past its holds, as plan {made}.")
    typer.echo(
        f"No kill switch is passed by it, nor `blast`: `firstline guard why {remediation}` says what holds it still."
    )


class _Hub:
    """The hub's database and calendars, without a hub. A refusal ends the command with its words."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings.load(folder)
        logs.configure(Masker(self.settings.known_secrets), sys.stderr, logging.CRITICAL)  # what is wrong is printed
        self._database: Database = reach.database(self.settings)
        self.calendars = Calendars(self.settings.calendars, self._database)
        self.read, self.write = self._database.read_now, self._database.write_now

    def who(self, connection: sa.Connection, named: str, scope: str) -> str:
        """Who acts. Raises `Rejected` when they may not."""
        person = find(connection, named) if named else None
        if person is not None and not switch.may(connection, person, scope, self.settings.hub.environment):
            raise Rejected(f"{named} may not govern {scope}; `firstline people show {named}` says what they may")
        return actor(connection, named)

    def __enter__(self) -> "_Hub":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._database.close()
        if isinstance(error, Rejected):
            typer.echo(str(error), err=True)
            raise typer.Exit(project.FINDINGS) from error


def _override(connection: sa.Connection, loaded: Settings, remediation: str, named: str, reason: str) -> str:
    person = find(connection, named)
    if person is None:
        raise Rejected(f"{named} is nobody here, or off: an override is a named person's")
    pager, url = loaded.alarms.connection, loaded.url
    made = overrides.override(connection, remediation, person, reason, now(), pager=pager, url=url)
    return made.plan_digest[:12]


def _says(said: Verdict) -> str:
    if not said.is_set:
        return "[dim]not set[/]"
    if said.covered:
        return "[yellow]overridden[/]"
    return "[red]holds[/]" if said.holds else "[green]passes[/]"


def _reasons(said: Verdict) -> Iterator[str]:
    for hold in said.holds:
        until = f" Until {moment(hold.until)}." if hold.until else ""
        ends = " It stops: waiting is of no use." if hold.ends else ""
        yield f"{hold.why}.{until}{ends} {hold.mend}".strip()


def _lines(found: Overview) -> Iterator[str]:
    yield from (f"stopped     {each.scope} by {each.by}: {each.reason}" for each in found.switches)
    yield from (f"unread      {each}" for each in found.faults)
    for window in found.windows:
        about, time = ", ".join(window.items) or "everything", f"{moment(window.start)} to {moment(window.end)}"
        yield f"{window.kind:<11} {about}: {window.name}, {time} ({window.place})"
    for breaker in found.breakers:
        until = f" until {moment(breaker.until)}" if breaker.until else ""
        where = f"{breaker.runbook} in {breaker.environment}"
        yield f"{breaker.stage:<11} {where}: failures in a row: {breaker.failures}{until}"
    for lock in found.locks:
        yield f"locked      {lock.target} by {lock.remediation_id} until {moment(lock.expires_at)}"
    for held in found.held:
        yield f"held        {held.remediation_id} {held.runbook}: {'; '.join(hold.why for hold in held.holds)}"
