"""Versions of runbooks that are pre-approved."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from tests.integration.register.conftest import RUNBOOK, made_runbook

from firstline.errors import Rejected
from firstline.ledger.facet import bind
from firstline.register.pin import pin, pin_all, pins, unpin
from firstline.runbook import Runbook
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import LEDGER, PersonRow

KEY = "shop/restart-web"


def last_entry(database: Database) -> dict[str, Any]:
    query = sa.select(LEDGER.c.entry).order_by(LEDGER.c.id.desc()).limit(1)
    entry: dict[str, Any] = orjson.loads(database.read_now(lambda connection: connection.execute(query).scalar_one()))
    return entry


def test_a_pin_holds_for_exactly_one_version(database: Database, runbook: Runbook, tmp_path: Path) -> None:
    database.write_now(lambda connection: pin(connection, "shop", runbook, "ann"))
    assert database.read_now(pins) == {(KEY, runbook.digest): "Restart web process"}
    edited = made_runbook(tmp_path, RUNBOOK.replace("systemctl, restart", "systemctl, stop"))
    assert (KEY, edited.digest) not in database.read_now(pins)


def test_a_pin_is_in_the_ledger_by_whom_and_binds_its_row(database: Database, runbook: Runbook) -> None:
    database.write_now(lambda connection: pin(connection, "shop", runbook, "ann", "Approved template"))
    entry = last_entry(database)
    assert (entry["act"], entry["by"], entry["subject"]) == ("pinned", "ann", f"runbook:{KEY}")
    assert "under Approved template" in entry["text"]
    key = (KEY, runbook.digest)
    assert entry["rows"] == database.read_now(lambda connection: bind(connection, "standard", key))


def test_a_version_that_is_pinned_again_gets_the_new_template(database: Database, runbook: Runbook) -> None:
    database.write_now(lambda connection: pin(connection, "shop", runbook, "ann", "First"))
    database.write_now(lambda connection: pin(connection, "shop", runbook, "ann", "Second"))
    assert list(database.read_now(pins).values()) == ["Second"]
    key = (KEY, runbook.digest)
    assert last_entry(database)["rows"] == database.read_now(lambda connection: bind(connection, "standard", key))


@pytest.mark.parametrize(
    ("authors", "editors"),
    [(("dora",), ()), (("Dora",), ()), ((), ("dora@example.com",)), (("D4",), ())],
    ids=["author", "in capitals", "editor by email", "author by account"],
)
def test_nobody_pre_approves_what_they_wrote(
    database: Database, runbook: Runbook, authors: tuple[str, ...], editors: tuple[str, ...]
) -> None:
    declaration = runbook.declaration.model_copy(update={"authors": authors})
    written = replace(runbook, declaration=declaration, editors=editors)
    dora = PersonRow(name="dora", email="Dora@example.com", accounts={"servicenow": "d4"})
    database.write_now(lambda connection: insert(connection, dora))
    with pytest.raises(Rejected, match="wrote shop/restart-web"):
        database.write_now(lambda connection: pin(connection, "shop", written, "dora"))
    assert database.read_now(pins) == {}


@pytest.mark.parametrize("asks", ["change: none", "change: {type: normal}", "change: {type: emergency}"])
def test_only_a_standard_change_is_pre_approved(database: Database, tmp_path: Path, asks: str) -> None:
    before = next(line for line in RUNBOOK.splitlines() if line.startswith("change:"))
    made = made_runbook(tmp_path, RUNBOOK.replace(before, asks))
    with pytest.raises(Rejected, match="only a standard change"):
        database.write_now(lambda connection: pin(connection, "shop", made, "ann"))
    database.write_now(lambda connection: pin_all(connection, {("shop", "restart-web"): made}, "ann"))
    assert database.read_now(pins) == {}


def test_what_is_unpinned_is_no_longer_pre_approved_and_the_ledger_says_so(
    database: Database, runbook: Runbook
) -> None:
    database.write_now(lambda connection: pin_all(connection, {("shop", "restart-web"): runbook}, "ann"))
    assert database.write_now(lambda connection: unpin(connection, KEY, "ann", "no such digest")) == []
    assert database.write_now(lambda connection: unpin(connection, KEY, "ben", runbook.digest[:12])) == [runbook.digest]
    assert database.read_now(pins) == {}
    entry = last_entry(database)
    assert (entry["act"], entry["by"]) == ("unpinned", "ben")
    assert entry["rows"] == {f"standard/{KEY}/{runbook.digest}": "removed"}
