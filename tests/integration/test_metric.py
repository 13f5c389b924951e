"""What /metrics shows of connections as sources."""

from datetime import UTC, datetime, timedelta

import pytest

from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import ConnectionRow, ReconciliationRow, SourceRow
from firstline.web.metric import figures

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def proof(name: str, there: int, hour: int) -> ReconciliationRow:
    at = NOON + timedelta(hours=hour)
    return ReconciliationRow(id=f"{hour:032d}", connection=name, since=at, until=at, there=there, ended_at=at)


@pytest.fixture
def told(database: Database) -> str:
    polled = [SourceRow(connection=name, polled_at=NOON) for name in ("desk", "gone")]
    proofs = [proof("desk", 3, 1), proof("desk", 4, 2), proof("gone", 5, 3)]
    database.write_now(lambda c: insert(c, ConnectionRow(name="desk"), *polled, *proofs))
    return database.read_now(figures)


def test_the_last_proof_and_the_last_poll_of_each_connection_are_shown(told: str) -> None:
    assert f'firstline_source_polled_at_seconds{{connection="desk"}} {NOON.timestamp():.7e}' in told
    assert 'firstline_reconciliation_there{connection="desk"} 4.0' in told


def test_a_connection_that_is_no_longer_declared_is_not_shown(told: str) -> None:
    assert "gone" not in told
