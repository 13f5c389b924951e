"""Notes on a real (stand-in) incident: once, whatever breaks."""

from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.stage import INCIDENT
from connectors.servicenow.tests.wire import broken
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from firstline.connector import Note
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference

pytestmark = pytest.mark.anyio

REFERENCE = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")


async def journal(person: httpx.AsyncClient) -> list[dict[str, Any]]:
    state = (await person.get("/sandbox/state")).json()
    return [entry for entry in state["tables"]["sys_journal_field"] if entry["element_id"] == INCIDENT]


async def test_a_note_that_may_have_been_tried_is_looked_for_first(connect: Any, address: str, person: Any) -> None:
    note = Note(key="rem-1:done", headline="Mended")
    connector = connect(address)
    first = await connector.write_note(REFERENCE, note)
    assert await connector.write_note(REFERENCE, note) == first
    (entry,) = await journal(person)
    assert (entry["element"], entry["sys_created_by"]) == ("work_notes", "firstline")


async def test_a_note_that_was_never_tried_costs_one_request(connect: Any, address: str, person: Any) -> None:
    await connect(address).write_note(REFERENCE, Note(key="k", headline="h", tried=False))
    assert (await person.get("/sandbox/state")).json()["requests"]["by"] == {"PATCH table row": 1}


async def test_a_public_note_is_a_comment(connect: Any, address: str, person: Any) -> None:
    await connect(address).write_note(REFERENCE, Note(key="k", headline="h", public=True))
    assert [entry["element"] for entry in await journal(person)] == ["comments"]


async def test_a_connection_reset_after_the_write_sends_nothing_twice_and_the_note_is_found_again(
    connect: Any, address: str, person: Any
) -> None:
    note = Note(key="rem-1:done", headline="Mended")
    with broken(address, "PATCH") as (between, server):
        connector = connect(between)
        with pytest.raises(Unavailable):
            await connector.write_note(REFERENCE, note.model_copy(update={"tried": False}))
        assert server.passed == ["PATCH"]
        await connector.write_note(REFERENCE, note)
        assert server.passed == ["PATCH", "GET"]
    assert len(await journal(person)) == 1


async def test_a_key_that_is_part_of_another_is_another_note(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    await connector.write_note(REFERENCE, Note(key="rem-1:done", headline="h"))
    await connector.write_note(REFERENCE, Note(key="rem-1", headline="h"))
    assert len(await journal(person)) == 2


async def test_a_note_with_a_key_that_looks_like_a_query_is_written_once(
    connect: Any, address: str, person: Any
) -> None:
    for _ in range(2):
        await connect(address).write_note(REFERENCE, Note(key="x^ORelement=work_notes", headline="h"))
    assert len(await journal(person)) == 1


async def test_a_journal_that_may_not_be_read_stops_the_note(connect: Any, loopback: Any) -> None:
    async def hidden(_: Any) -> JSONResponse:
        return JSONResponse({"result": []}, headers={"X-Total-Count": "1"})

    fake = loopback(Starlette(routes=[Route("/api/now/table/sys_journal_field", hidden)]))
    with pytest.raises(Rejected, match="sys_journal_field"):
        await connect(fake).write_note(REFERENCE, Note(key="k", headline="h"))


async def test_a_note_that_an_access_rule_drops_is_not_taken_for_written(
    connect: Any, address: str, person: httpx.AsyncClient
) -> None:
    connector = connect(address)
    await connector.write_note(REFERENCE, Note(key="one", headline="h", tried=False))
    await person.put("/sandbox/rules", json={"ignored": {"incident": ["work_notes"]}})
    with pytest.raises(Rejected, match=r"incident\.work_notes"):
        await connector.write_note(REFERENCE, Note(key="two", headline="h", tried=False))
    await connector.write_note(REFERENCE, Note(key="three", headline="h", tried=False, public=True))
    assert [entry["element"] for entry in await journal(person)] == ["work_notes", "comments"]


async def test_a_note_is_html_only_where_a_setting_says_so(connect: Any, address: str, person: Any) -> None:
    note = Note(key="k", headline="Mended <b>", output="a < b")
    for _ in range(2):
        await connect(address, html_notes=True).write_note(REFERENCE, note)
    (entry,) = await journal(person)
    assert entry["value"].startswith("[code]<p><b>Mended &lt;b&gt;</b></p>")
    assert entry["value"].endswith("[/code]\n[firstline:k]")


@pytest.mark.parametrize("odd", ["../../sys_user/x", "", "A" * 32])
async def test_a_note_goes_to_a_sys_id_only(connect: Any, address: str, odd: str) -> None:
    with pytest.raises(Rejected):
        await connect(address).write_note(REFERENCE.model_copy(update={"id": odd}), Note(key="k", headline="h"))
