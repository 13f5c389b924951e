"""`firstline change`, as people type it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from connectors.servicenow.tests.stage import PASSWORD, sandbox
from tests.integration.register.conftest import RUNBOOK, START, normal
from typer.testing import CliRunner, Result

from firstline.access import Right, roll
from firstline.access.grant import grant
from firstline.cli import command_line
from firstline.register import change
from firstline.register.pin import pins
from firstline.store import Database
from firstline.store.table import LEDGER
from firstline.testing.connector.basis import Loopback

pytestmark = pytest.mark.usefixtures("logs_restored")

TOML = """
[hub]
database = "{database}"
environment = "prod"

[connections.servicenow]
connector = "servicenow"
base_url = "{servicenow}"
user = "firstline"
password = "{password}"
webhook_secrets = ["s"]
"""

Command = Callable[..., Result]


def toml(database: str, servicenow: str) -> str:
    return TOML.format(database=database, servicenow=servicenow, password=PASSWORD)


@pytest.fixture
def folder(tmp_path: Path, database_url: str) -> Path:
    made = tmp_path / "ops"
    runbook = made / "mappings" / "shop" / "runbooks" / "restart-web"
    runbook.mkdir(parents=True)
    (runbook / "runbook.yaml").write_text(RUNBOOK)
    (made / "mappings" / "shop" / "mapping.yaml").write_text("mappings: []\n")
    (made / "firstline.toml").write_text(toml(database_url, "http://127.0.0.1:1"))
    return made


@pytest.fixture
def command(folder: Path) -> Command:
    app = command_line("change")
    return lambda *arguments: CliRunner().invoke(app, ["change", *arguments, "-f", str(folder)])


@pytest.fixture
def ann(database: Database) -> str:
    """Who may govern, for the pack of the runbook alone."""

    def put(connection: sa.Connection) -> None:
        roll.add(connection, "ann", by="test")
        grant(connection, "person:ann", [Right.GOVERN], pack="shop", by="test")

    database.write_now(put)
    return "ann"


def digest(database: Database) -> str:
    ((_, found),) = database.read_now(pins)
    return found


def row(command: Command) -> list[str]:
    """Of the one pin: runbook, digest, whether it is in use, by whom."""
    return str(command("pins").output.splitlines()[1]).split()[:4]


def test_a_runbook_is_pinned_as_it_is_now_and_by_whom(command: Command, database: Database, ann: str) -> None:
    result = command("pin", "shop/restart-web", "--as", ann)
    assert (result.exit_code, result.output) == (
        0,
        f"shop/restart-web 1.2.0 is pre-approved under Restart web process\ndigest {digest(database)}\n",
    )
    assert row(command) == ["shop/restart-web", digest(database)[:12], "yes", "ann"]


def test_the_list_says_which_pins_are_of_another_version(command: Command, folder: Path) -> None:
    command("pin", "shop/restart-web")
    path = folder / "mappings" / "shop" / "runbooks" / "restart-web" / "runbook.yaml"
    path.write_text(RUNBOOK.replace("1.2.0", "1.2.1"))
    assert row(command)[2] == "no"


def test_who_may_not_govern_there_pins_nothing(command: Command, database: Database, ann: str) -> None:
    database.write_now(lambda connection: roll.add(connection, "bo", by="test"))
    for name in ("bo", "nobody"):
        result = command("pin", "shop/restart-web", "--as", name)
        assert (result.exit_code, name in result.output) == (1, True)
    assert database.read_now(pins) == {}


def test_what_is_unpinned_is_said_by_its_digest(command: Command, database: Database) -> None:
    command("pin", "shop/restart-web", "--template", "Mine")
    gone = digest(database)
    assert command("unpin", "shop/restart-web").output == (
        f"shop/restart-web is no longer pre-approved: digest {gone}\n"
    )
    again = command("unpin", "shop/restart-web")
    assert (again.exit_code, again.output) == (1, "shop/restart-web is not pre-approved\n")


def test_a_runbook_that_is_not_there_is_named_with_those_that_are(command: Command) -> None:
    result = command("pin", "shop/nothing")
    assert (result.exit_code, "shop/restart-web" in result.output) == (2, True)


def test_changes_are_listed_and_shown_and_planned_anew(command: Command, database: Database) -> None:
    trick = "[/red] \x1b]0;x\x07\u202e"  # neither markup nor for the terminal to obey
    database.write_now(lambda connection: change.open_(connection, normal(short_description=trick)))
    listed = command("list").output
    assert "CHG0000001" in listed
    assert r"[/red] \x1b]0;x\x07\u202e" in " ".join(listed.split())
    assert "CHG0000001" not in command("list", "--state", "closed").output
    moved = command("reschedule", "CHG0000001", "--from", "2026-12-24T02:00Z", "--to", "2026-12-24T03:00Z")
    assert moved.exit_code == 0, moved.output
    found = json.loads(command("show", "CHG0000001").output)
    assert (found["planned_start"], found["state"]) == ("2026-12-24T02:00:00Z", "new")
    assert found["draft"]["planned_start"] == START.isoformat().replace("+00:00", "Z")
    assert found["notes"][-1]["by"].startswith("os:")


@pytest.mark.parametrize("number", ["CHG0000009", "9"])
def test_a_change_that_is_not_there_is_said(command: Command, number: str) -> None:
    result = command("show", number)
    assert (result.exit_code, number in result.output) == (1, True)


def test_a_proposal_needs_a_register_that_takes_one(command: Command) -> None:
    result = command("propose", "shop/restart-web")
    assert (result.exit_code, "firstline change pin shop/restart-web" in result.output) == (1, True)


def test_a_proposal_that_can_not_be_made_leaves_nothing_in_the_ledger(command: Command, database: Database) -> None:
    result = command("propose", "shop/restart-web", "--connection", "servicenow")
    assert result.exit_code == 1
    assert result.output
    assert database.read_now(lambda connection: connection.execute(sa.select(LEDGER)).all()) == []


def test_a_proposal_is_made_in_the_register(
    command: Command, folder: Path, database: Database, database_url: str, loopback: Loopback
) -> None:
    place = loopback(sandbox())
    (folder / "firstline.toml").write_text(toml(database_url, place))
    result = command("propose", "shop/restart-web", "--connection", "servicenow")
    assert result.exit_code == 0, result.output
    assert "shop/restart-web 1.2.0 is proposed as " in result.output
    entries = database.read_now(lambda connection: connection.execute(sa.select(LEDGER.c.subject)).scalars().all())
    assert entries == ["runbook:shop/restart-web"]
