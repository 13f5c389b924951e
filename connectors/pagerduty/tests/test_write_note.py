from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import Note, SandboxSettings
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
NOTE = Note(key="r1/done", headline="Mended by restart-web")


async def test_a_note_that_was_tried_is_looked_for_first(connect: Connect, sandbox: Any, reference: Reference) -> None:
    connector = connect(sandbox.address)
    first = await connector.write_note(reference, NOTE)
    again = await connector.write_note(reference, NOTE)
    assert first == again
    assert len((await sandbox.incident())["notes"]) == 1


async def test_a_note_that_was_never_tried_takes_one_request(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    await connect(sandbox.address).write_note(reference, NOTE.model_copy(update={"tried": False}))
    assert (await sandbox.state())["requests"] == {"total": 1, "POST /incidents/{id}/notes": 1}


async def test_a_note_whose_answer_was_lost_is_found_again(
    connect: Connect, loopback: Any, breaking: Any, at: Any, seed: dict[str, Any], reference: Reference
) -> None:
    between = breaking(create_app(SandboxSettings(seed=seed)))
    address = loopback(between)
    connector = connect(address)
    with pytest.raises(Unavailable):
        await connector.write_note(reference, NOTE.model_copy(update={"tried": False}))
    assert between.broken == 1
    written = await connector.write_note(reference, NOTE)
    assert [note["id"] for note in (await at(address).incident())["notes"]] == [written.id]


async def test_a_note_that_says_something_new_is_edited_in_place(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    connector = connect(sandbox.address)
    first = await connector.write_note(reference, NOTE)
    again = await connector.write_note(reference, NOTE.model_copy(update={"body": "It answers again."}))
    (note,) = (await sandbox.incident())["notes"]
    assert first == again
    assert "It answers again." in note["content"]


async def test_a_note_of_somebody_else_is_left_alone(connect: Connect, sandbox: Any, reference: Reference) -> None:
    await sandbox.request("POST", f"/incidents/{reference.id}/notes", {"note": {"content": "I look at it"}})
    await connect(sandbox.address).write_note(reference, NOTE)
    assert [note["user"]["id"] for note in (await sandbox.incident())["notes"]] == ["PONCALL", "PFIRSTL"]


async def test_the_reference_is_the_notes(connect: Connect, sandbox: Any, reference: Reference) -> None:
    written = await connect(sandbox.address).write_note(reference, NOTE)
    assert (written.connection, written.kind) == ("pd", "incident_note")
    assert written.id == (await sandbox.incident())["notes"][0]["id"]


async def test_an_answer_without_a_note_leaves_it_open(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    with pytest.raises(Unavailable, match="names no note"):
        await connect(loopback(vendor((200, {})))).write_note(reference, NOTE.model_copy(update={"tried": False}))
