"""Writes of one record go out in order, each once; what is made needless in time is not sent."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.outbox.conftest import NAME, PAGER, Open, Outbox, Vendor, noted, record, stated

from firstline.connector import Update
from firstline.remediation.begin import write_back
from firstline.remediation.report import LogAttachment
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import WRITE_BACK, RemediationRow, RunRow, WriteBackRow, now

pytestmark = pytest.mark.anyio

GRACE = timedelta(seconds=5)


def ended(outbox: Outbox, remediation: str) -> None:
    row = RemediationRow(
        id=remediation,
        event_id="e",
        connection=NAME,
        environment="test",
        mapping="m",
        mode="auto",
        plan_digest="d",
        stage="ended",
    )
    outbox.database.write_now(lambda connection: insert(connection, row))


async def test_a_quick_remediation_leaves_one_note_and_one_state(outbox: Outbox, vendor: Vendor) -> None:
    ended(outbox, "a")
    later = now() + GRACE
    outbox.put(noted("a", "start", due_at=later), stated("a", "acknowledged", due_at=later))
    outbox.put(noted("a"), stated("a"))
    await outbox.send()
    assert [path for path, _ in vendor.sent] == ["note", "state"]
    assert vendor.of("note")[0]["headline"] == "outcome of a"
    assert len(outbox.told("folded")) == 2


async def test_a_write_that_has_time_is_not_overtaken_by_a_later_one(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(noted("a", "start", due_at=now() + GRACE), stated("a", "escalated"), noted("b", number=2))
    await outbox.send()
    assert [body["record"] for _, body in vendor.sent] == ["R2"]
    outbox.clock.forward(6)
    await outbox.send()
    assert [path for path, body in vendor.sent if body["record"] == "R1"] == ["note", "state"]


async def test_a_failed_write_holds_the_later_ones_of_its_record_only(outbox: Outbox, vendor: Vendor) -> None:
    vendor.trouble = [(503, {"Retry-After": "1"})]
    outbox.put(noted("a"), stated("a"))
    await outbox.send()
    assert vendor.sent == []
    outbox.clock.forward(2)
    await outbox.send()
    assert [path for path, _ in vendor.sent] == ["note", "state"]
    assert vendor.of("note")[0]["tried"] is True


async def test_a_parked_write_holds_no_later_one_of_its_record(outbox: Outbox, vendor: Vendor) -> None:
    vendor.trouble = [(400, {})]
    outbox.put(noted("a"), stated("a"))
    await outbox.send()
    assert [row["state"] for row in outbox.rows(connection=NAME)] == ["parked", "done"]
    assert "as asked" in outbox.told("parked")[0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_note_that_stands_is_looked_for_before_it_is_edited(outbox: Outbox, vendor: Vendor) -> None:
    outbox.put(noted("a", "status"))
    await outbox.send()
    again = noted("a", "status")
    outbox.put(again.model_copy(update={"key": "a.outcome"}))
    await outbox.send()
    assert [note["tried"] for note in vendor.of("note")] == [False, True]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_live_notes_of_ended_remediations_join_and_others_stay_their_own(outbox: Outbox, vendor: Vendor) -> None:
    ended(outbox, "a")
    ended(outbox, "b")
    outbox.put(noted("a", "status"), noted("b", "status"), noted("c", "status"))
    await outbox.send()
    assert [note["headline"] for note in vendor.of("note")] == ["status of b", "status of c"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_fields_are_set_and_the_log_is_attached_as_it_is_then(outbox: Outbox, vendor: Vendor) -> None:
    run = RunRow(id="a.1", remediation_id="a", phase="step", name="mend", target="web1", executor="command")
    outbox.database.write_now(lambda connection: insert(connection, run.model_copy(update={"output": "mended it"})))
    log = LogAttachment(key="a.log", name="firstline-a.txt", remediation_id="a")
    outbox.put(
        write_back("a", "priority", "update", record(), Update(priority=1)),
        write_back("a", "log", "attachment", record(), log),
    )
    await outbox.send()
    assert vendor.of("update")[0]["priority"] == 1
    (file,) = vendor.of("attachment")
    assert (file["name"], file["tried"]) == ("firstline-a.txt", False)
    assert "mended it" in file["content"]


def taken_over(outbox: Outbox, row: WriteBackRow) -> None:
    """As if another process had found the row cut short, and sent it."""
    done = sa.update(WRITE_BACK).where(WRITE_BACK.c.id == row.id).values(state="done", attempts=2, reason="by another")
    outbox.database.write_now(lambda connection: connection.execute(done))


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process slept for long between the claim and the sending."""
    monkeypatch.setattr("firstline.outbox.writeback.AWAKE", 0.0)


@pytest.mark.usefixtures("slept")
async def test_a_claim_that_no_longer_counts_is_not_sent(outbox: Outbox, vendor: Vendor) -> None:
    row = noted("a")
    outbox.put(row)
    outbox.leases.take("write-back")
    await outbox.write_back.send_due()  # what it began runs only when this test waits
    taken_over(outbox, row)
    await outbox.write_back.idle()
    assert vendor.requests == 0


@pytest.mark.usefixtures("slept")
async def test_without_the_lease_nothing_more_is_sent(
    database: Database, outbox: Outbox, opened: Open, vendor: Vendor
) -> None:
    opened(database).leases.take("write-back")
    outbox.put(noted("a"))
    await outbox.write_back.send_due()
    await outbox.write_back.idle()
    assert vendor.requests == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_end_that_comes_too_late_overwrites_nothing(outbox: Outbox, vendor: Vendor) -> None:
    row = noted("a")
    vendor.before = lambda: taken_over(outbox, row)
    outbox.put(row)
    await outbox.send()
    assert [one["reason"] for one in outbox.rows(id=row.id)] == ["by another"]
    assert outbox.told("wrote") == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rows_that_can_not_be_read_hold_their_own_connection_only(
    outbox: Outbox, vendor: Vendor, pager: Vendor
) -> None:
    """As a newer version may have left them."""
    outbox.put(*(stated(one, body={"to": "unheard", "reason": ""}) for one in "ab"))
    outbox.put(noted("c", connection=PAGER))
    await outbox.send()
    assert (len(vendor.sent), len(pager.of("note"))) == (0, 1)
