"""What an export brings, on both databases."""

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from tests.integration.evidence.conftest import BODY, Ledger, files, found, page

from firstline.evidence.asked import Asked
from firstline.evidence.stream import entries
from firstline.evidence.verify import verify
from firstline.ledger import record
from firstline.ledger.facet import bind, unbind
from firstline.store.database import insert
from firstline.store.table import APPROVAL, REMEDIATION, RUN, ChangeRow, LinkRow, now


def test_a_pack_proves_itself(ledger: Ledger, path: Path) -> None:
    ledger.remediate()
    ledger.sequence()
    manifest = ledger.pack(path, Asked(incident="#1"))
    verdict = verify(path, [ledger.signer.verifier])
    assert (verdict.findings, verdict.notes) == ([], [])
    assert (verdict.entries, verdict.rows) == (6, 10)
    assert manifest.gaps == {}
    assert [body for name, body in files(path).items() if name.startswith("bodies/")] == [BODY]


def test_what_was_asked_for_is_found_by_each_of_its_names(ledger: Ledger, path: Path) -> None:
    one, other = ledger.remediate(1), ledger.remediate(2)
    link = LinkRow(remediation_id=one, connection="pagerduty", record="incident:Q00002", reference={}, why="the same")
    ledger.write(lambda connection: insert(connection, link))
    ledger.sequence()

    def ids(asked: Asked) -> list[str]:
        return ledger.pack(path, asked).remediations

    assert ids(Asked(incident="#1")) == ids(Asked(incident="Q00001")) == ids(Asked(remediation=one)) == [one]
    assert ids(Asked(incident="#2")) == [one, other]  # the first was told of the second's incident too
    assert ids(Asked(change="CHG0030045")) == ids(Asked(runbook="shop/mend")) == [one, other]


def test_a_period_is_whole(ledger: Ledger, path: Path) -> None:
    """All entries from the first to the last, whoever they are about; and how many remediations and changes."""
    ledger.tell("person:ann", "added", "ann was put on the roll", by="os:root")
    one, other = ledger.remediate(1), ledger.remediate(2)
    changes = [ChangeRow(number=n, key=f"k{n}", type="normal", state="new") for n in (1, 2)]

    def register(connection: sa.Connection) -> None:
        insert(connection, *changes)
        record(connection, "change:CHG0000001", "opened", rows=bind(connection, "change", 1, 2))

    ledger.write(register)
    ledger.sequence()
    manifest = ledger.pack(path, Asked(until=now() + timedelta(hours=1)))
    whole = manifest.population
    assert (whole.entries, whole.first, whole.last, whole.remediations) == (14, 0, 13, 2)
    assert (whole.changes, whole.first_change, whole.last_change) == (2, "CHG0000001", "CHG0000002")
    assert manifest.remediations == [one, other]
    assert found(ledger, path) == ([], [])
    assert f"remediations/{other}/timeline.html" in page(path)


def test_a_row_that_was_purged_is_named_with_the_reason(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    run = f"{id_}-step-1"

    def purge(connection: sa.Connection) -> None:
        connection.execute(sa.delete(RUN))
        record(connection, id_, "purged", "older than 400 days", rows=unbind("run", run))

    ledger.write(purge)
    ledger.sequence()
    manifest = ledger.pack(path, Asked(remediation=id_))
    assert any(gap.startswith(f"run/{run}: taken away, as entry") for gap in manifest.gaps[id_])
    assert found(ledger, path) == ([], [])
    assert "taken away" in page(path)


def test_a_row_that_an_entry_about_something_else_bound_again_is_in_order(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()

    def again(connection: sa.Connection) -> None:
        connection.execute(sa.update(APPROVAL).values(comment="corrected"))
        (approval,) = connection.execute(sa.select(APPROVAL.c.id)).scalars()
        record(connection, "person:ann", "corrected", rows=bind(connection, "approval", approval))

    ledger.write(again)
    ledger.sequence()
    ledger.pack(path, Asked(remediation=id_))
    assert found(ledger, path) == ([], [])


def test_a_stream_has_all_of_a_period_and_of_an_incident_what_its_pack_has(ledger: Ledger) -> None:
    ledger.tell("person:ann", "added")
    ledger.remediate(1)
    ledger.remediate(2)
    ledger.sequence()

    def count(asked: Asked) -> int:
        return len(ledger.database.read_now(lambda connection: list(entries(connection, asked))))

    assert count(Asked(until=now() + timedelta(hours=1))) == 13
    assert count(Asked(incident="#2")) == 7


def test_a_change_of_our_own_register_is_told_with_its_row(ledger: Ledger, path: Path) -> None:
    id_ = ledger.remediate()
    own = {"connection": "firstline", "kind": "change", "id": "CHG0000007", "number": "CHG0000007", "url": ""}

    def register(connection: sa.Connection) -> None:
        insert(connection, ChangeRow(number=7, key="k", type="normal", state="closed", comment="the night shift's"))
        record(connection, "change:CHG0000007", "opened", rows=bind(connection, "change", 7))
        connection.execute(sa.update(REMEDIATION).values(change=own))
        record(connection, id_, "ended", "with its change", rows=bind(connection, "remediation.ended", id_))

    ledger.write(register)
    ledger.sequence()
    manifest = ledger.pack(path, Asked(change="CHG0000007"))
    assert manifest.remediations == [id_]
    assert (manifest.population.changes, manifest.population.first_change) == (1, "CHG0000007")
    assert found(ledger, path) == ([], [])
    assert b"the night shift's" in files(path)["rows/change/7.json"]
