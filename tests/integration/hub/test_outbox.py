"""The outbox: what one connection, record or write has trouble with holds no other, and nothing stays half done."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.hub.conftest import Running, Start, both_databases, triggered

from firstline.connector import Note
from firstline.errors import Unauthorized
from firstline.incident import Reference
from firstline.remediation.begin import note
from firstline.store import new_id
from firstline.store.database import insert
from firstline.store.table import WRITE_BACK, WriteBackRow, now
from firstline.testing.patience import eventually


def notes(count: int, connection: str, **changes: Any) -> list[WriteBackRow]:
    """Notes of remediations long gone, each on a record of its own."""
    made = []
    for number in range(count):
        gone = new_id()
        reference = Reference(connection=connection, kind="incident", id=f"{number:032x}")
        row = note(gone, "outcome", reference, Note(key=f"{gone}.outcome", headline="Something happened"))
        made.append(row.model_copy(update=changes))
    return made


@contextmanager
def without_timeline(hub: Running) -> Iterator[None]:
    """The database refuses what a remediation has to tell."""
    hub.hub.database.write_now(lambda c: c.execute(sa.text("ALTER TABLE fl_ledger RENAME TO fl_away")))
    yield
    hub.hub.database.write_now(lambda c: c.execute(sa.text("ALTER TABLE fl_away RENAME TO fl_ledger")))


def test_what_waits_for_one_connection_does_not_hold_the_others(start: Start) -> None:
    hub = start()
    later = notes(300, "servicenow", due_at=now() + timedelta(hours=1))
    hub.hub.database.write_now(lambda c: insert(c, *later))
    hub.post(triggered())
    eventually(lambda: hub.incident()["notes"])


@both_databases
def test_a_write_whose_end_could_not_be_kept_is_looked_for_and_kept(start: Start) -> None:
    hub = start()
    made = notes(1, "pagerduty")
    row = made[0].model_copy(update={"reference": {**made[0].reference, "id": "Q00001"}})
    with without_timeline(hub):
        hub.hub.database.write_now(lambda c: insert(c, row))
        eventually(lambda: hub.incident()["notes"])
    query = sa.select(WRITE_BACK.c.state).where(WRITE_BACK.c.id == row.id)
    eventually(lambda: hub.hub.database.read_now(lambda c: c.scalar(query)) == "done")
    assert len(hub.incident()["notes"]) == 1


def test_a_refused_sign_in_is_not_tried_again_for_each_write(start: Start) -> None:
    hub = start()
    tried: list[str] = []

    async def refused(reference: Reference, _: Note) -> Reference:
        tried.append(reference.id)
        raise Unauthorized("the token is refused")

    hub.hub.connections["pagerduty"].write_note = refused
    hub.hub.database.write_now(lambda c: insert(c, *notes(100, "pagerduty")))
    eventually(lambda: any(one["paused_at"] for one in hub.get("connections")))
    eventually(lambda: not hub.get("write-backs?state=sending")["items"])
    assert len(tried) < 10


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_refused_write_stands_open_until_a_person_discards_it_with_a_reason(start: Start) -> None:
    hub = start()
    (row,) = notes(1, "pagerduty")  # on an incident that is not there
    hub.hub.database.write_now(lambda c: insert(c, row))
    (parked,) = eventually(lambda: hub.get("write-backs?state=parked")["items"])
    assert "404" in parked["reason"]
    path = f"write-backs/{parked['id']}/discard"
    assert hub.act(path, {"reason": ""}).status_code == 422
    assert hub.act(path, {"reason": "told by phone"}).json()["state"] == "discarded"
    assert hub.act(path, {"reason": "again"}).status_code == 409
    (discarded,) = hub.get("write-backs?state=discarded")["items"]
    assert discarded["reason"] == "ada: told by phone"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_asked_of_a_connection_is_shown(start: Start) -> None:
    hub = start()
    hub.post(triggered())
    eventually(lambda: hub.incident()["notes"])
    (shown,) = [one for one in hub.get("connections") if one["name"] == "pagerduty"]
    assert shown["rests_until"] is None
    assert 0 < shown["budget"]["used"] <= shown["budget"]["total"]
