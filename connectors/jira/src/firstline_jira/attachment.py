"""Files on an issue. Jira keeps no properties of an attachment, so its name carries the key: a file found by it is
never put there twice."""

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from firstline.connector import Attachment
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline_jira.marker import issue_id
from firstline_jira.rest import Rest
from firstline_jira.shape import needed, rows, text
from firstline_jira.site import Site, answered
from firstline_jira.site import rows as listed

KIND = "attachment"
LONGEST = 120  # characters of the name people gave it
LARGEST = 16 * 1024 * 1024  # bytes of a file that is read back; larger ones are shown without content

_KEYED = re.compile(r"(?P<stem>.*)\[(?P<key>[\w.=~-]+)\](?P<suffix>(?:\.\w{1,16})?)")

Tree = dict[str, Any]


class Files:
    def __init__(self, connection: str, rest: Rest, site: Site, base_url: str) -> None:
        self._connection = connection
        self._rest = rest
        self._site = site
        self._base_url = base_url

    async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
        issue = issue_id(reference)
        found = await self._find(issue, attachment.key) if attachment.tried else None
        return self._reference(reference, found or await self._send(issue, attachment))

    async def attached(self, reference: Reference) -> list[Attachment]:
        return [await self._read(row) for row in await self._rows(issue_id(reference))]

    async def _send(self, issue: str, attachment: Attachment) -> Tree:
        file = (named(attachment.name, attachment.key), attachment.content, attachment.media_type)
        response = await self._site.request("POST", self._site.path(f"issue/{issue}/attachments"), files={"file": file})
        made = listed({"rows": answered(response)}, "rows")
        if not made:
            raise Unavailable("Jira answered that it attached nothing")
        return made[0]

    async def _find(self, issue: str, key: str) -> Tree | None:
        """Read from the issue, which does not go through the index."""
        return next((row for row in await self._rows(issue) if key_of(_name(row)) == key), None)

    async def _rows(self, issue: str) -> list[Tree]:
        found = (await self._rest.issue(issue, fields="attachment"))["fields"]
        return rows(found.get("attachment"), "issue.fields.attachment")

    async def _read(self, row: Tree) -> Attachment:
        id = needed(row.get("id"), "attachment.id")  # noqa: A001 - Jira's word
        small = int(row.get("size") or 0) <= LARGEST
        return Attachment(
            key=key_of(_name(row)) or id,
            name=_name(row),
            media_type=text(row.get("mimeType"), "attachment.mimeType") or "application/octet-stream",
            content=await self._content(id, _name(row)) if small else b"",
        )

    async def _content(self, id: str, name: str) -> bytes:  # noqa: A002
        """Cloud would send elsewhere unless told not to; the credentials stay here."""
        if self._site.edition.cloud:
            response = await self._site.request(
                "GET", self._site.path(f"attachment/content/{id}"), params={"redirect": "false"}
            )
        else:
            response = await self._site.request("GET", f"/secure/attachment/{id}/{quote(name, safe='')}")
        return response.content

    def _reference(self, of: Reference, row: Tree) -> Reference:
        if "id" not in row:
            raise Unavailable("Jira answered an attachment without an id")
        url = f"{self._base_url}/secure/attachment/{row['id']}/{quote(_name(row), safe='')}"
        return Reference(connection=self._connection, kind=KIND, id=str(row["id"]), number=of.number, url=url)


def _name(row: Tree) -> str:
    return text(row.get("filename"), "attachment.filename")


def named(name: str, key: str) -> str:
    """The file's name with the key in it: firstline-log [01J….log].txt. Characters that a file's name may not have are
    written with `=`."""
    path = PurePosixPath(name)
    stem = re.sub(r'[\\/:*?"<>|%\[\]]', "-", path.stem)[:LONGEST]
    return f"{stem} [{quote(key, safe='').replace('=', '%3D').replace('%', '=')}]{path.suffix[:16]}"


def key_of(name: str) -> str:
    """The key in a file's name; empty when it has none."""
    found = _KEYED.fullmatch(name)
    return unquote(found["key"].replace("=", "%")) if found else ""
