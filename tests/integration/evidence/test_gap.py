"""What an export says is not in its pack, and why."""

import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.evidence.conftest import Ledger, files, found, page

from firstline.errors import Rejected
from firstline.evidence.asked import Asked
from firstline.ledger import record
from firstline.ledger.facet import bind
from firstline.store.database import insert
from firstline.store.table import APPROVAL, RUN, ChangeRow, now


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One kind will do: nothing here is in the databases' hands."""
    return f"sqlite:///{tmp_path}/firstline.db"


@pytest.mark.parametrize("asked", [Asked(incident="#10"), Asked(change="CHG003004"), Asked(runbook="shop/men")])
def test_what_nobody_knows_is_refused_by_its_name(ledger: Ledger, path: Path, asked: Asked) -> None:
    ledger.remediate()
    with pytest.raises(Rejected, match=asked.words):
        ledger.pack(path, asked)


def test_a_number_that_is_missing_among_our_own_changes_is_named(ledger: Ledger, path: Path) -> None:
    ledger.write(lambda c: insert(c, *(ChangeRow(number=n, key=f"k{n}", type="normal", state="new") for n in (1, 3))))
    manifest = ledger.pack(path, Asked(until=now() + timedelta(hours=1)))
    assert any("CHG0000002" in gap for gap in manifest.gaps["period"])


def test_a_period_in_which_nothing_happened_has_a_pack_that_says_so(ledger: Ledger, path: Path) -> None:
    ledger.remediate()
    ledger.sequence()
    later = now() + timedelta(days=1)
    assert ledger.pack(path, Asked(since=later)).population.entries == 0
    assert found(ledger, path) == ([], [])


def test_the_periods_entries_that_were_left_out_are_missed(ledger: Ledger, path: Path) -> None:
    ledger.tell("person:ann", "added")
    ledger.tell("switch:all", "thrown", "a bad night", by="ann")
    ledger.sequence()
    ledger.pack(path, Asked(until=now() + timedelta(hours=1)))
    kept = files(path)
    with zipfile.ZipFile(path, "w") as pack:
        for name, content in kept.items():
            lines = content.splitlines(keepends=True)
            pack.writestr(name, b"".join(lines[:1]) if name in ("entries.jsonl", "proofs.jsonl") else content)
    assert any("1 of the 2 entries of the period are missing" in finding for finding in found(ledger, path)[0])


def test_entries_too_new_for_the_checkpoint_are_there_and_named(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.write(lambda c: record(c, id_, "reopened", "it came back", rows=bind(c, "remediation.ended", id_)))
    manifest = ledger.pack(path, Asked(remediation=id_))
    assert any("the proof of 1 entry too new" in gap for gap in manifest.gaps[id_])
    assert b"it came back" in files(path)["unplaced.jsonl"]
    findings, notes = found(ledger, path)
    assert findings == []
    assert any("remediation.ended" in note and "without a proof" in note for note in notes)


def test_without_any_checkpoint_a_pack_says_that_it_proves_nothing(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    manifest = ledger.pack(path, Asked(remediation=id_))
    assert any("none was signed yet" in gap for gap in manifest.gaps["period"])
    assert found(ledger, path)[0] == ["checkpoint is missing: nothing is proved"]


def test_a_row_that_was_taken_away_unseen_is_named_as_such(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.write(lambda connection: connection.execute(sa.delete(RUN)))
    manifest = ledger.pack(path, Asked(remediation=id_))
    assert any("no entry says that it was taken away" in gap for gap in manifest.gaps[id_])


def test_a_row_that_was_edited_in_the_database_is_found_in_the_pack(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    ledger.sequence()
    ledger.write(lambda connection: connection.execute(sa.update(APPROVAL).values(decided_by="eve")))
    ledger.pack(path, Asked(remediation=id_))
    assert [finding.split("/")[1] for finding in found(ledger, path)[0]] == ["approval"]


def test_what_has_not_ended_has_a_pack_with_its_plan_that_names_what_is_missing(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate(ends=False)
    ledger.sequence()
    assert any("it is at the stage waiting" in gap for gap in ledger.pack(path, Asked(remediation=id_)).gaps[id_])
    assert found(ledger, path) == ([], [])
    assert "systemctl restart shop.service" in page(path)
    assert "It has not ended" in page(path)


def test_a_plan_that_nobody_was_asked_about_is_said_to_be_unproved(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate(ends=False, asks=False)
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    assert found(ledger, path) == ([], [f"remediations/{id_}/plan.json: no entry binds it yet"])
