"""Files on records: the Attachment API, over HTTP.

An attachment holds nothing of ours but its file name, so the key stands there, as a short hash before the ending:
`firstline-log.3f2a9c1d0b7e.txt`."""

import hashlib
from pathlib import PurePath
from typing import Any

import httpx

from firstline.connector import Attachment
from firstline.errors import Rejected
from firstline.http import request
from firstline.incident import Reference
from firstline_servicenow import query
from firstline_servicenow.record import count, value
from firstline_servicenow.rest import ask

ROOT = "/api/now/attachment"
LARGEST = 20 * 1024 * 1024  # bytes of a file that is fetched
MOST = 1000  # files of a record


def file_name(attachment: Attachment) -> str:
    """The name under which it is found again."""
    name = PurePath(attachment.name).name
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in name)[-80:] or "attachment"
    stem, dot, ending = plain.rpartition(".")
    mark = hashlib.sha256(attachment.key.encode()).hexdigest()[:12]
    return f"{stem}.{mark}.{ending}" if dot else f"{plain}.{mark}"


class AttachmentApi:
    def __init__(self, connection: str, base_url: str, http: httpx.AsyncClient) -> None:
        self._connection = connection
        self._base_url = base_url
        self._http = http

    async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
        name = file_name(attachment)
        where = query.where(("file_name", "=", name))
        found = await self._list(reference, where) if attachment.tried else []
        row = next((row for row in found if value(row, "file_name") == name), None)
        return self._reference(row or await self._upload(reference, name, attachment))

    async def attached(self, reference: Reference) -> list[Attachment]:
        """All files, oldest first. `key` is the sys_id. Raises `Rejected` for a file of more than `LARGEST` bytes:
        left out, it would be missed without a word."""
        rows = await self._list(reference, "ORDERBYsys_created_on^ORDERBYsys_id")
        return [await self._download(row) for row in rows]

    async def _list(self, reference: Reference, more: str) -> list[dict[str, Any]]:
        of = query.where(("table_name", "=", reference.kind), ("table_sys_id", "=", query.sys_id(reference.id)))
        params = {"sysparm_query": f"{of}^{more}", "sysparm_limit": str(MOST)}
        rows = await ask(self._http, "GET", ROOT, params=params)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Rejected("ServiceNow answered no list of attachments")
        return rows

    async def _upload(self, reference: Reference, name: str, attachment: Attachment) -> dict[str, Any]:
        """Send the bytes as they are. What the vendor answers is compared: a file cut short is no evidence."""
        params = {"table_name": query.table(reference.kind), "table_sys_id": query.sys_id(reference.id)}
        row = await ask(
            self._http,
            "POST",
            f"{ROOT}/file",
            params={**params, "file_name": name},
            content=attachment.content,
            headers={"Content-Type": attachment.media_type},
        )
        if not isinstance(row, dict) or count(row, "size_bytes") != len(attachment.content):
            size = value(row, "size_bytes") if isinstance(row, dict) else "no"
            raise Rejected(f"ServiceNow kept {size} bytes of {name}, which has {len(attachment.content)}")
        return row

    async def _download(self, row: dict[str, Any]) -> Attachment:
        name, size = value(row, "file_name"), count(row, "size_bytes")
        if size > LARGEST:
            raise Rejected(f"the attachment {name} has {size} bytes; more than {LARGEST} are not fetched")
        identifier = query.sys_id(value(row, "sys_id"))
        answer = await request(self._http, "GET", f"{ROOT}/{identifier}/file", headers={"Accept": "*/*"})
        media_type = value(row, "content_type") or "application/octet-stream"
        return Attachment(key=identifier, name=name, media_type=media_type, content=answer.content)

    def _reference(self, row: dict[str, Any]) -> Reference:
        identifier = query.sys_id(value(row, "sys_id"))
        return Reference(
            connection=self._connection,
            kind="sys_attachment",
            id=identifier,
            number=value(row, "file_name"),
            url=f"{self._base_url}/sys_attachment.do?sys_id={identifier}",
        )
