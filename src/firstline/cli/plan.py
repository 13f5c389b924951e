"""`firstline plan`: what would be run for an event, in full; nothing is run, asked or written."""

from pathlib import Path
from typing import Annotated

import anyio
import sqlalchemy as sa
import typer
from rich.table import Column, Table

from firstline import registry, settings
from firstline.cli import project, reach
from firstline.cli.option import Folder
from firstline.errors import Rejected
from firstline.incident import Event
from firstline.mapping import Decision, Matcher, Packs
from firstline.mapping.event_file import load_event
from firstline.masking import Masker
from firstline.remediation.autonomy.policy import Policy, read
from firstline.remediation.plan import Plan
from firstline.remediation.planning import dry_run as tries
from firstline.remediation.planning.planner import Surroundings, surroundings
from firstline.remediation.planning.planner import plan as make
from firstline.remediation.planning.shown import PlanShown, shown
from firstline.settings import Settings


def plan(
    event: Annotated[Path, typer.Argument(help="A JSON file with an event.", exists=True, dir_okay=False)],
    environment: Annotated[str, typer.Option(help="Default: the hub's, from firstline.toml, else prod.")] = "",
    folder: Folder = Path(),
    mappings: project.Mappings = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Let each step's executor say what it would do, where it can.")
    ] = False,
) -> None:
    """Show the plan that an event would get: commands as they will run, targets, checks, rollback, limits, change,
    approvals, and the digest that an approval binds. Exits with 1 where there is none; with --dry-run also where a step
    would fail, or can't be tried."""
    packs = project.load_sound(folder, mappings)
    where, policy = _surroundings(folder, environment)
    told = load_event(event)
    decision = Matcher(packs.mappings).decide(told, environment=where.environment)
    try:
        made = _plan(packs, decision, told, where, policy)
    except Rejected as error:
        typer.echo(f"There is no plan: {error}", err=True)
        raise typer.Exit(project.FINDINGS) from None
    if json:
        typer.echo(shown(made).model_dump_json(indent=2))
    else:
        _print(shown(made))
    if dry_run:
        folder_of = packs.runbook(decision.pack, decision.runbook).folder
        _tell(anyio.run(tries.dry_run, made, folder_of, *_executors(folder)))


def _executors(folder: Path) -> tuple[Settings, Masker]:
    if not (folder / settings.FILE).exists():
        return Settings(folder=folder.absolute()), Masker([])
    loaded = settings.load(folder)
    return loaded, Masker(loaded.known_secrets)


def _tell(tried: list[tries.Tried]) -> None:
    for one in tried:
        how = {True: "would go well", False: "would fail", None: "was not tried"}[one.ok]
        typer.echo(f"{one.name} on {one.target} {how}: {one.said}".rstrip(": "))
    if not all(one.ok for one in tried):
        raise typer.Exit(project.FINDINGS)


def _plan(packs: Packs, decision: Decision, event: Event, where: Surroundings, policy: Policy) -> Plan:
    if decision.outcome != "matched":
        raise Rejected(decision.reason)
    return make(decision, packs.runbook(decision.pack, decision.runbook), event, where, policy)


def _surroundings(folder: Path, environment: str) -> tuple[Surroundings, Policy]:
    """As the folder's hub has them; a pack alone, in its own repository, is planned without what people decided."""
    if not (folder / settings.FILE).exists():
        return Surroundings(environment=environment or "prod", register=settings.OWN_REGISTER), Policy()
    loaded = settings.load(folder)
    # Their classes say what a plan has to know of them; to make one needs its secrets.
    kinds = {name: registry.connector(table["connector"]) for name, table in loaded.connections.items()}
    return surroundings(loaded, kinds, environment), _policy(loaded)


def _policy(loaded: Settings) -> Policy:
    """What people decided, where there is a database yet: to look must not make one."""
    url = sa.make_url(loaded.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return Policy()
    database = reach.database(loaded)
    try:
        return database.read_now(read)
    finally:
        database.close()


def _print(told: PlanShown) -> None:
    console = project.console()
    table = Table("", Column("", overflow="fold"), box=None, pad_edge=False, show_header=False)
    for name, value in told.model_dump(mode="json").items():
        lines = [f"{n}. {line}" for n, line in enumerate(value, 1)] if isinstance(value, list) else _lines(value)
        if lines:
            table.add_row(name.replace("_", " "), project.cell("\n".join(lines)))
    console.print(table)


def _lines(value: object) -> list[str]:
    if isinstance(value, dict):
        return [f"{name} = {each!r}" for name, each in value.items()]
    return [str(value)] if value not in ("", None) else []
