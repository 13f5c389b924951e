import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from firstline.connector import Note, SandboxSettings
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
NOTE = Note(key="k", headline="h", tried=False)
WRITTEN = {"note": {"id": "PWL7QXS", "content": "h"}}


@pytest.fixture
def resetting() -> Iterator[tuple[str, list[int]]]:
    """An address that resets each connection once it has read a request, and a list that grows with each."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[int] = []

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(len(connection.recv(65536)))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


async def test_a_write_carries_what_the_vendor_asks_for(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor((200, WRITTEN))
    await connect(loopback(fake)).write_note(reference, NOTE)
    ((method, path, headers, body),) = fake.asked
    assert (method, path) == ("POST", f"/incidents/{reference.id}/notes")
    assert headers["authorization"] == "Token token=the-token"
    assert headers["accept"] == "application/vnd.pagerduty+json;version=2"
    assert headers["from"] == "firstline@example.com"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"note": {"content": "h\n\n[firstline:k]"}}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, Rejected),
        (400, Rejected),
        (401, Unauthorized),
        (402, Rejected),
        (403, Rejected),
        (404, Rejected),
        (408, Unavailable),
        (413, Rejected),
        (423, Unavailable),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
async def test_no_answer_is_asked_for_twice(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference, status: int, error: type[FirstlineError]
) -> None:
    fake = vendor((status, {"error": {"message": "Said so", "code": 2001}}))
    with pytest.raises(error, match="Said so"):
        await connect(loopback(fake)).write_note(reference, NOTE)
    assert len(fake.asked) == 1


async def test_a_broken_connection_is_not_tried_again(
    connect: Connect, resetting: tuple[str, list[int]], reference: Reference
) -> None:
    address, seen = resetting
    with pytest.raises(Unavailable):
        await connect(address).write_note(reference, NOTE)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"ratelimit-reset": "20"}, 20),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "7", "ratelimit-reset": "20"}, 7),
        ({}, None),
        ({"ratelimit-reset": "soon"}, None),
    ],
)
async def test_the_wait_that_the_vendor_names_is_kept(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference, headers: dict[str, str], wait: float | None
) -> None:
    fake = vendor((429, {"error": {"message": "Rate Limit Exceeded", "code": 2020}}, headers))
    with pytest.raises(Unavailable) as caught:
        await connect(loopback(fake)).fetch(reference)
    assert caught.value.retry_after == wait


@pytest.mark.parametrize("content", [[], None, "text", 3])
async def test_json_that_is_no_object_is_unavailable(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference, content: Any
) -> None:
    with pytest.raises(Unavailable):
        await connect(loopback(vendor((200, content)))).fetch(reference)


async def test_an_incident_in_another_shape_is_rejected_and_the_place_is_named(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    with pytest.raises(Rejected, match=r"incident\.status"):
        await connect(loopback(vendor((200, {"incident": {"id": "P1", "status": "odd"}})))).fetch(reference)


async def test_a_vendor_that_says_nothing_in_time_is_unavailable(connect: Connect, reference: Reference) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match="Timeout"):
        await connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1).fetch(reference)


async def test_a_garbled_answer_is_unavailable(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    with pytest.raises(Unavailable, match="decompressing"):
        await connect(loopback(vendor((200, {}, {"content-encoding": "gzip"})))).fetch(reference)


async def test_requests_at_the_same_time_get_each_their_own_answer(connect: Connect, loopback: Any) -> None:
    incidents = [{"id": f"Q{number}", "title": f"t{number}", "service": "PSHOP01"} for number in range(40)]
    connector = connect(loopback(create_app(SandboxSettings(seed={"incidents": incidents}))))
    titles: dict[str, str] = {}

    async def read(identity: str) -> None:
        titles[identity] = (await connector.fetch(Reference(connection="pd", kind="incident", id=identity))).title

    async with anyio.create_task_group() as together:
        for incident in incidents:
            together.start_soon(read, incident["id"])
    assert titles == {incident["id"]: incident["title"] for incident in incidents}


async def test_the_key_of_another_address_does_not_follow_a_redirect(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    elsewhere = vendor((200, {}))
    fake = vendor((302, {}, {"location": loopback(elsewhere)}))
    with pytest.raises(Rejected):
        await connect(loopback(fake)).fetch(reference)
    assert elsewhere.asked == []
