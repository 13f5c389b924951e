"""The database goes away while hubs work: what was under way goes on, once, and the living keep what is theirs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.hub.conftest import MENDS, STANDARD, Running, Start, both_databases, triggered
from tests.integration.hub.test_outbox import without_timeline

from firstline.hub import Hub
from firstline.store import Database
from firstline.store.lease import Leases
from firstline.testing.loopback import serve
from firstline.testing.patience import eventually
from firstline.web.app import create_app

SLOW = 'until [ -e "$1/let-go" ]; do sleep 0.05; done; ' + MENDS


def broken_off(hub: Running) -> bool:
    """True when the engine has seen a turn die."""
    table = "workflow_status" if hub.hub.database.is_sqlite else "dbos.workflow_status"
    query = sa.text(f"SELECT count(*) FROM {table} WHERE status = 'ERROR'")
    return bool(hub.hub.database.read_now(lambda c: c.scalar(query)))


@both_databases
def test_a_turn_that_dies_with_the_database_is_gone_on_with_and_runs_nothing_twice(start: Start) -> None:
    hub = start(extra=SLOW)
    hub.post(triggered())
    eventually(lambda: hub.runs() == 1)
    with without_timeline(hub):
        (hub.marks / "let-go").touch()
        eventually(lambda: broken_off(hub))
    assert hub.remediation()["outcome"] == "proved"
    assert hub.runs() == 1


@both_databases
def test_a_turn_that_a_stop_cuts_short_is_gone_on_with_at_the_next_start(start: Start, tmp_path: Path) -> None:
    waits = f'["sh", "-c", "until [ -e {tmp_path}/let-go ]; do sleep 0.02; done"]'
    hub = start(change=STANDARD, before=waits)
    servicenow = hub.hub.connections["servicenow"]
    closed = servicenow.aclose

    async def closes() -> None:
        await closed()
        (tmp_path / "let-go").touch()  # a turn that still went on would find its connection closed
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=2)

    servicenow.aclose = closes
    hub.post(triggered())
    eventually(lambda: [one for one in hub.get("remediations")["items"] if one["stage"] == "ready"])
    hub.stop()
    with serve(create_app(Hub(hub.hub.settings))) as url:
        assert replace(hub, url=url).remediation()["outcome"] == "proved"


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
