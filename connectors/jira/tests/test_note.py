import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline.connector import Note
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline_jira import rest
from firstline_jira.connector import JiraConnector

pytestmark = pytest.mark.anyio

NOTE = Note(key="remediation-7", headline="Mended by restart-web", body="It answers again.")


async def comments(site: httpx.AsyncClient, issue: str = "10001") -> list[dict[str, Any]]:
    state = (await site.get("/sandbox/state")).json()
    return next(found["comments"] for found in state["issues"] if found["id"] == issue)


async def test_a_note_is_one_internal_comment_with_our_mark(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    reference = await jira.write_note(incident, NOTE)
    (comment,) = await comments(site)
    assert (reference.kind, reference.id, reference.connection) == ("comment", comment["id"], "jira-prod")
    assert reference.url.endswith(f"/browse/HELP-1?focusedCommentId={comment['id']}")
    assert comment["jsdPublic"] is False
    assert {"key": "firstline", "value": {"key": "remediation-7"}} in comment["properties"]


async def test_a_public_note_is_a_reply_to_the_customer(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await jira.write_note(incident, NOTE.model_copy(update={"public": True}))
    (comment,) = await comments(site)
    assert comment["jsdPublic"] is True


async def test_the_same_note_is_left_alone(jira: JiraConnector, site: httpx.AsyncClient, incident: Reference) -> None:
    first = await jira.write_note(incident, NOTE)
    before = await comments(site)
    assert await jira.write_note(incident, NOTE) == first
    assert await comments(site) == before


async def test_a_note_that_differs_is_edited_in_place_and_stays_internal(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    first = await jira.write_note(incident, NOTE)
    second = await jira.write_note(incident, NOTE.model_copy(update={"body": "It failed again."}))
    (comment,) = await comments(site)
    assert first.id == second.id
    assert "It failed again." in comment["text"]
    assert comment["jsdPublic"] is False
    assert {"key": "firstline", "value": {"key": "remediation-7"}} in comment["properties"]


async def test_a_note_is_found_behind_a_page_of_comments(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PAGE", 5)
    first = await jira.write_note(incident, NOTE)
    for number in range(6):
        await site.post("/rest/servicedeskapi/request/10001/comment", json={"body": f"me too {number}"})
    assert (await jira.write_note(incident, NOTE)).id == first.id
    assert len(await comments(site)) == 7


@pytest.mark.parametrize("tells_the_total", [True, False])
async def test_a_note_is_found_where_jira_gives_fewer_comments_than_asked_for(
    make: Callable[[str], JiraConnector],
    loopback: Callable[[Any], str],
    incident: Reference,
    tells_the_total: bool,
) -> None:
    """`maxResults` is the most that may come; how many come is Jira's to say."""
    others: list[dict[str, Any]] = [{"id": str(number), "body": "me too"} for number in range(4)]
    marked = {"id": "77", "body": NOTE.headline, "properties": [{"key": "firstline", "value": {"key": NOTE.key}}]}
    rows, asked = [*others, marked], list[str]()

    async def answer(request: Request) -> Response:
        asked.append(request.method)
        start = int(request.query_params.get("startAt", 0))
        page: dict[str, Any] = {"comments": rows[start : start + 2], "startAt": start, "maxResults": 2}
        if tells_the_total:
            page["total"] = len(rows)
        return JSONResponse({"accountId": "hub"} if request.url.path.endswith("/myself") else page | {"id": "77"})

    fake = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT"])])
    assert (await make(loopback(fake)).write_note(incident, NOTE)).id == "77"
    assert "POST" not in asked


async def test_an_untried_note_is_not_looked_for(
    jira: JiraConnector, site: httpx.AsyncClient, incident: Reference
) -> None:
    await jira.write_note(incident, NOTE.model_copy(update={"tried": False}))
    state = (await site.get("/sandbox/state")).json()
    assert state["requests_by"] == {"GET": 1, "POST": 1}  # the GET is `myself`


async def test_a_comment_that_took_effect_before_the_connection_broke_is_found_again(
    make: Callable[[str], JiraConnector], address: str, cut_off: str, site: httpx.AsyncClient, incident: Reference
) -> None:
    with pytest.raises(Unavailable):
        await make(cut_off).write_note(incident, NOTE.model_copy(update={"tried": False}))
    assert len(await comments(site)) == 1
    reference = await make(address).write_note(incident, NOTE)
    (comment,) = await comments(site)
    assert comment["id"] == reference.id


@pytest.fixture
def cut_off(address: str) -> Iterator[str]:
    """The sandbox behind a line that breaks once it has carried a comment there: the answer is lost by a reset."""
    target = urlsplit(address)

    class Line(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while head := self._head():
                length = next((int(line[15:]) for line in head if line.lower().startswith(b"content-length:")), 0)
                answer = self._carry(b"".join(head) + self.rfile.read(length))
                if head[0].startswith(b"POST") and b"/comment" in head[0]:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    self.connection.close()
                    return
                self.wfile.write(answer)

        def _head(self) -> list[bytes]:
            lines: list[bytes] = []
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                lines.append(line)
            return [*lines, b"\r\n"] if lines else []

        def _carry(self, request: bytes) -> bytes:
            with socket.create_connection((target.hostname, target.port)) as onward:
                onward.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                return b"".join(iter(lambda: onward.recv(65_536), b""))

        def finish(self) -> None:
            if self.connection.fileno() >= 0:
                super().finish()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Line) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        serving.join()
