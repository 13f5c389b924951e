"""The database goes away while hubs work: what was under way goes on, once, and the living keep what is theirs."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests.integration.hub.conftest import MENDS, Running, Start, triggered
from tests.integration.hub.test_outbox import without_timeline

from firstline.store import Database
from firstline.store.lease import Leases
from firstline.testing.patience import eventually

SLOW = 'until [ -e "$1/let-go" ]; do sleep 0.05; done; ' + MENDS


def broken_off(hub: Running) -> bool:
    """True when the engine has seen a turn die."""
    table = "workflow_status" if hub.hub.database.is_sqlite else "dbos.workflow_status"
    query = sa.text(f"SELECT count(*) FROM {table} WHERE status = 'ERROR'")
    return bool(hub.hub.database.read_now(lambda c: c.scalar(query)))


def test_a_turn_that_dies_with_the_database_is_gone_on_with_and_runs_nothing_twice(start: Start) -> None:
    hub = start(extra=SLOW)
    hub.post(triggered())
    eventually(lambda: hub.runs() == 1)
    with without_timeline(hub):
        (hub.marks / "let-go").touch()
        eventually(lambda: broken_off(hub))
    assert hub.remediation()["outcome"] == "proved"
    assert hub.runs() == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_leases_lost_with_the_connection_are_taken_again(open_database: Callable[[], Database]) -> None:
    ours, theirs = open_database(), open_database()
    one, other = Leases(ours), Leases(theirs)
    one.take("boot")
    one.take("role")
    ends = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    theirs.read_now(lambda c: c.execute(sa.text(ends)))
    eventually(lambda: other.is_free("boot"))
    assert one.take("role")
    assert not other.is_free("boot")
    one.close()
    other.close()
