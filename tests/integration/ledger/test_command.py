"""`firstline audit verify` and `firstline audit key`, as a person calls them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.ledger.conftest import Log
from typer.testing import CliRunner, Result

from firstline.cli import command_line
from firstline.errors import Misdeclared
from firstline.store.table import LEDGER, SWITCH, SwitchRow

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

Audit = Callable[..., Result]


@pytest.fixture
def audit(hub_folder: Path) -> Audit:
    app = command_line("audit")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["audit", *map(str, arguments), "-f", str(hub_folder)])

    return run


def edit(log: Log, position: int) -> None:
    statement = sa.update(LEDGER).where(LEDGER.c.position == position).values(subject="somebody")
    log.database.write_now(lambda connection: connection.execute(statement))


async def test_an_intact_ledger_is_said_to_be_so_in_a_line(log: Log, audit: Audit) -> None:
    await log.grow(3, 4)
    result = audit("verify")
    assert (result.exit_code, result.stdout) == (0, "intact: 8 entries, 0 rows, 2 checkpoints\n")
    assert f"trusted are the keys in {log.folder.public}" in result.stderr


async def test_each_finding_is_a_line_and_the_command_fails(log: Log, audit: Audit) -> None:
    await log.grow(3)
    edit(log, 1)
    log.database.write_now(
        lambda c: c.execute(SWITCH.insert(), SwitchRow(scope="all", by="x", reason="y").model_dump())
    )
    result = audit("verify")
    assert result.exit_code == 1
    entry, row = result.stdout.splitlines()
    assert entry.startswith("fl_ledger ")
    assert entry.endswith("has another id or subject than its text (entry 1)")
    assert row == "fl_switch all: was put in: no entry tells of it"


async def test_what_waits_is_counted_and_no_finding(log: Log, audit: Audit) -> None:
    await log.grow(1)
    log.enter("just now")
    result = audit("verify")
    assert result.exit_code == 0
    assert "without a place in the tree yet, so that nothing proves them: 1 " in result.stderr


async def test_the_key_that_is_printed_verifies(log: Log, audit: Audit) -> None:
    await log.grow(1)
    key = audit("key").stdout.strip()
    assert key == str(log.folder.verifiers()[0])
    result = audit("verify", "--key", key)
    assert (result.exit_code, result.stderr) == (0, "")
    assert audit("verify", "--key", key[:-4]).exit_code == 2


async def test_a_checkpoint_of_another_log_is_a_finding(log: Log, audit: Audit, tmp_path: Path) -> None:
    await log.grow(1)
    other = tmp_path / "other"
    other.write_text(log.folder.latest.read_text().replace("\n2\n", "\n3\n"))
    result = audit("verify", "--checkpoint", other)
    assert (result.exit_code, result.stdout.startswith(f"{other} ")) == (1, True)


async def test_one_entry_is_proved_to_be_in_a_checkpoint(log: Log, audit: Audit) -> None:
    await log.grow(1)
    first = log.folder.latest.read_text()
    await log.grow(300)
    file = log.folder.path / "first"
    file.write_text(first)
    assert audit("verify", "--entry", 1, "--in", file).stdout.startswith("yes: it is in the tree of 2 entries")
    late = audit("verify", "--entry", 40, "--in", file)
    assert (late.exit_code, late.stdout) == (1, "no: entry 40 came later: the checkpoint is of 2 entries\n")
    assert audit("verify", "--entry", 40, "--in", log.folder.latest).exit_code == 0
    assert (
        audit("verify", "--entry", 999, "--in", file).stdout == "no: there is no entry 999 with a place in the tree\n"
    )


async def test_a_forged_entry_is_in_no_checkpoint(log: Log, audit: Audit) -> None:
    await log.grow(2)
    forged = sa.update(LEDGER).where(LEDGER.c.position == 1).values(entry={"text": "forged"})
    log.database.write_now(lambda connection: connection.execute(forged))
    result = audit("verify", "--entry", 1, "--in", log.folder.latest)
    assert (result.exit_code, result.stdout) == (1, "no: entry 1, as it is here, is not in the tree that was signed\n")


def test_an_entry_without_the_checkpoint_it_is_looked_for_in_is_a_mistake(audit: Audit) -> None:
    assert audit("verify", "--entry", 1).exit_code == 2


def test_verification_makes_no_database(hub_folder: Path, tmp_path: Path) -> None:
    (hub_folder / "firstline.toml").write_text('[hub]\ndatabase = "sqlite:///none.db"\n')
    with pytest.raises(Misdeclared, match="no hub has run here"):
        CliRunner().invoke(command_line("audit"), ["audit", "verify", "-f", str(hub_folder)], catch_exceptions=False)
    assert not (hub_folder / "none.db").exists()


def test_where_no_hub_has_run_there_is_no_key(audit: Audit) -> None:
    result = audit("key")
    assert (result.exit_code, result.stdout) == (1, "")
