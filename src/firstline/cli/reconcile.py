"""`firstline reconcile`: the completeness proof of a connection for a period."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import anyio
import orjson
import typer

from firstline.cli import project, reach
from firstline.cli.connection import Name, chosen, opened
from firstline.cli.option import Folder, moment
from firstline.governor import Governor
from firstline.intake import source
from firstline.intake.delivery import DeliveryLog
from firstline.intake.poll import Poller
from firstline.intake.reconcile import Reconciler, sentence
from firstline.settings import Settings
from firstline.store.lease import Leases
from firstline.store.table import now

DAY = timedelta(days=1)


def reconcile(
    connection: Name,
    since: Annotated[
        str, typer.Option("--from", help="Begin, as 2026-11-22T14:00Z; default: a day before the end.")
    ] = "",
    until: Annotated[str, typer.Option("--to", help="End, not included; default: now.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    folder: Folder = Path(),
) -> None:
    """Count the incidents that the vendor has in a period against those that were seen here, and bring what is missing.
    A running hub takes what was brought. Exits with 1 if anything is missing in the end."""
    found, _ = chosen(folder, connection)
    to = moment(until, "--to") if until else now()
    begin = moment(since, "--from") if since else to - DAY
    if begin >= to:
        raise typer.BadParameter("must be before --to", param_hint="--from")
    row = anyio.run(_reconcile, found, connection, begin, to)
    typer.echo(orjson.dumps(row, option=orjson.OPT_INDENT_2).decode() if json else sentence(row))
    if row["trouble"]:
        raise typer.Exit(project.FINDINGS)


async def _reconcile(found: Settings, name: str, since: datetime, until: datetime) -> dict[str, Any]:
    database = reach.database(found)
    leases = Leases(database)
    try:
        database.write_now(lambda connection: source.know(connection, {name}))
        async with opened(found, name) as connector:
            desk = source.Desk(database, {name: connector})
            governor = Governor(database, {name: connector}, {name: found.budget(name)}, found.alarms.connection)
            poller = Poller(desk, leases, DeliveryLog(database, lambda _: None), governor)
            try:
                return await Reconciler(desk, poller).reconcile(name, since, until)
            finally:
                await governor.close()
    finally:
        leases.close()
        database.close()
