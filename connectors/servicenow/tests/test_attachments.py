"""Files on records: once, and whole."""

from typing import Any

import httpx
import pytest
from connectors.servicenow.tests.likeness import differences, example
from connectors.servicenow.tests.stage import INCIDENT
from connectors.servicenow.tests.wire import broken
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from firstline.connector import Attachment
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_servicenow import attachment as attaching

pytestmark = pytest.mark.anyio

REFERENCE = Reference(connection="prod", kind="incident", id=INCIDENT, number="INC0010001")
LOG = Attachment(key="rem-1:log", name="firstline-log.txt", content=b"stopped\nstarted\n")


async def rows(person: httpx.AsyncClient) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await person.get("/api/now/attachment")).json()["result"]
    return found


async def test_a_file_whose_answer_was_lost_is_found_again(connect: Any, address: str, person: Any) -> None:
    with broken(address, "POST") as (between, server):
        connector = connect(between)
        with pytest.raises(Unavailable):
            await connector.attach(REFERENCE, LOG.model_copy(update={"tried": False}))
        found = await connector.attach(REFERENCE, LOG)
    assert server.passed == ["POST", "GET"]
    (row,) = await rows(person)
    assert found.id == row["sys_id"]
    assert found.url.endswith(f"/sys_attachment.do?sys_id={row['sys_id']}")


async def test_a_file_that_was_never_tried_costs_one_request(connect: Any, address: str) -> None:
    connector = connect(address)
    await connector.attach(REFERENCE, LOG.model_copy(update={"tried": False}))
    assert connector.meter.take()[0] == 1


async def test_people_see_a_name_that_says_what_it_is(connect: Any, address: str, person: Any) -> None:
    await connect(address).attach(REFERENCE, LOG)
    (row,) = await rows(person)
    assert row["file_name"].startswith("firstline-log.")
    assert row["file_name"].endswith(".txt")
    assert (row["content_type"], row["size_bytes"]) == ("text/plain; charset=utf-8", "16")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a^b.txt", "Größe.log", ".", "x" * 300, "no ending"])
def test_any_name_becomes_one_that_can_be_asked_for(name: str) -> None:
    made = attaching.file_name(Attachment(key="k", name=name, content=b""))
    assert "/" not in made
    assert "^" not in made
    assert 0 < len(made) <= 100


async def test_a_file_that_is_too_large_to_fetch_is_rejected_not_left_out(
    connect: Any, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connect(address)
    await connector.attach(REFERENCE, LOG)
    monkeypatch.setattr(attaching, "LARGEST", 15)
    with pytest.raises(Rejected, match="16 bytes"):
        await connector.attached(REFERENCE)


async def test_a_file_that_was_cut_short_is_rejected(connect: Any, loopback: Any) -> None:
    async def short(_: Any) -> JSONResponse:
        return JSONResponse({"result": {"sys_id": "a" * 32, "size_bytes": "3"}}, 201)

    address = loopback(Starlette(routes=[Route("/api/now/attachment/file", short, methods=["POST"])]))
    with pytest.raises(Rejected, match="kept 3 bytes"):
        await connect(address).attach(REFERENCE, LOG.model_copy(update={"tried": False}))


async def test_a_record_that_is_not_there_takes_no_file(connect: Any, address: str) -> None:
    absent = REFERENCE.model_copy(update={"id": "f" * 32})
    with pytest.raises(Rejected, match="404"):
        await connect(address).attach(absent, LOG)


async def test_the_stand_in_answers_in_the_published_shape(connect: Any, address: str, person: Any) -> None:
    await connect(address).attach(REFERENCE, LOG)
    (row,) = await rows(person)
    assert differences(example("attachmentapi__get_now_attachment_1")[0], row) == []
    one = (await person.get(f"/api/now/attachment/{row['sys_id']}")).json()["result"]
    assert differences(example("attachmentapi__get_now_attachment_sys_id_1"), one) == []
    params = {"table_name": "incident", "table_sys_id": INCIDENT, "file_name": "x.jpeg"}
    headers = {"Content-Type": "image/jpeg"}
    made = await person.post("/api/now/attachment/file", params=params, content=b"jpeg", headers=headers)
    assert differences(example("attachmentapi__post_now_attachment_file_1"), made.json()["result"]) == []
    assert made.headers["Location"].endswith(made.json()["result"]["sys_id"])


@pytest.mark.parametrize("missing", ["table_name", "table_sys_id", "file_name", "Content-Type"])
async def test_the_stand_in_takes_no_file_without_its_particulars(person: Any, missing: str) -> None:
    given = {"table_name": "incident", "table_sys_id": INCIDENT, "file_name": "x.txt", "Content-Type": "text/plain"}
    given.pop(missing)
    headers = {"Content-Type": given.pop("Content-Type")} if "Content-Type" in given else {}
    answer = await person.post("/api/now/attachment/file", params=given, content=b"x", headers=headers)
    assert answer.status_code == 400


async def test_who_may_not_read_a_record_may_not_read_its_files(connect: Any, address: str, person: Any) -> None:
    connector = connect(address)
    made = await connector.attach(REFERENCE, LOG)
    await person.put("/sandbox/rules", json={"hidden": {"incident": ""}})
    assert await connector.attached(REFERENCE) == []
    auth = ("david.loo", "david.loo")
    for path in ("", "/file"):
        assert (await person.get(f"/api/now/attachment/{made.id}{path}", auth=auth)).status_code == 404
    assert (await person.delete(f"/api/now/attachment/{made.id}")).status_code == 204
    assert await rows(person) == []
