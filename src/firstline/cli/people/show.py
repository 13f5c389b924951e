"""Who there is, and what they may and why."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from firstline.access import profile
from firstline.access.grant import where
from firstline.access.person import PERSON_PREFIX
from firstline.access.token import ended
from firstline.cli import project
from firstline.cli.actor import act
from firstline.cli.option import Folder
from firstline.store.table import now


def list_(folder: Folder = Path()) -> None:
    """Everybody, with their groups."""
    table = Table("Name", "Email", "Groups", "", box=None)
    for row in act(folder, "", lambda connection, _: profile.people(connection)):
        off = f"off since {day(row['off_at'])}" if row["off_at"] else ""
        table.add_row(row["name"], project.cell(row["email"]), ", ".join(row["groups"]), off)
    project.console().print(table)


def show(name: Annotated[str, typer.Argument(help="Whom.")], folder: Folder = Path()) -> None:
    """What a person may, and why: by which grant, through which group, for whom."""
    typer.echo("\n".join(_lines(act(folder, "", lambda connection, _: profile.profile(connection, name)))))


def day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


def _lines(found: dict[str, Any]) -> list[str]:
    return [found["name"], *(f"  {line}" for part in (_who, _rights, _delegations, _tokens) for line in part(found))]


def _who(found: dict[str, Any]) -> Iterator[str]:
    if found["email"]:
        yield f"has the email {found['email']}"
    for connection, account in found["accounts"].items():
        yield f"is {account} at {connection}"
    if found["contact"]:
        yield f"is asked at {found['contact']}"
    for group in found["groups"]:
        yield f"is in {group}"
    if found["off_at"]:
        yield f"may nothing: off since {day(found['off_at'])}; what follows counts again when they are on"


def _rights(found: dict[str, Any]) -> Iterator[str]:
    if not found["grants"]:
        yield "may nothing: nothing is granted to them or to a group of theirs"
    for grant in found["grants"]:
        through = "" if grant["holder"] == PERSON_PREFIX + found["name"] else f", through {grant['holder']}"
        yield f"may {grant['right']} {where(grant['pack'], grant['environment'])}{through}"


def _delegations(found: dict[str, Any]) -> Iterator[str]:
    for one in found["delegations"]:
        time = f"from {day(one['since'])} until {day(one['until'])}"
        yield f"{one['taker']} may give {one['giver']}'s approvals {time}: {one['reason']} ({one['id']})"


def _tokens(found: dict[str, Any]) -> Iterator[str]:
    for token in found["tokens"]:
        named = f" for {token['name']}" if token["name"] else ""
        only = "" if token["rights"] is None else f", only to {', '.join(token['rights'])}"
        state = ended(token, now()) or f"until {day(token['expires_at'])}"
        yield f"has a token{named}{only}: {state} ({token['id']})"


COMMANDS = {"list": list_, "show": show}
