"""Attachments."""

from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline_jira.sandbox.action import Actions
from firstline_jira.sandbox.platform import who
from firstline_jira.sandbox.record import File, Refused
from firstline_jira.sandbox.render import Render

LARGEST = 10 * 1024 * 1024  # bytes


class Files:
    def __init__(self, actions: Actions, render: Render) -> None:
        self._actions = actions
        self._render = render

    def routes(self) -> list[Route]:
        return [
            Route("/issue/{id}/attachments", self.add, methods=["POST"]),
            Route("/attachment/content/{file}", self.content, methods=["GET"]),
        ]

    async def add(self, request: Request) -> Response:
        issue = self._actions.records.find(request.path_params["id"])
        if request.headers.get("x-atlassian-token", "").lower() not in ("no-check", "nocheck"):
            raise Refused(403, "XSRF check failed")
        parts = _parts(request.headers.get("content-type", ""), await request.body())
        if not parts:
            raise Refused(400, "No file was sent under the name 'file'.")
        if any(len(content) > LARGEST for _, _, content in parts):
            raise Refused(413, "The file exceeds the maximum attachment size.")
        made = [self._actions.attach(who(request), issue, *part) for part in parts]
        return JSONResponse([self._render.file(file) for file in made])

    async def content(self, request: Request) -> Response:
        """Without `redirect=false` Cloud sends elsewhere."""
        found = self._find(request)
        if request.query_params.get("redirect") != "false":
            return Response(status_code=303, headers={"Location": f"{self._render.base}/media/{found.id}"})
        return Response(found.content, media_type=found.media_type)

    async def download(self, request: Request) -> Response:
        """Data Center's address of a file."""
        found = self._find(request)
        return Response(found.content, media_type=found.media_type)

    def _find(self, request: Request) -> File:
        wanted = request.path_params["file"]
        for issue in self._actions.records.issues.values():
            for file in issue.files:
                if file.id == wanted:
                    return file
        raise Refused(404, f"The attachment with id '{wanted}' does not exist")


def _parts(content_type: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """Name, media type and content of each file in a multipart body."""
    message: Any = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=HTTP)
    if not message.is_multipart():
        return []
    rows = [part for part in message.iter_parts() if part.get_param("name", header="content-disposition") == "file"]
    return [(row.get_filename() or "file", _media_type(row), row.get_payload(decode=True) or b"") for row in rows]


def _media_type(part: Any) -> str:
    return str(part.get("content-type") or "application/octet-stream")
