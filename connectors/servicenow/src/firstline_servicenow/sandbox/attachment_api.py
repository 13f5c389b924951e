"""The Attachment API: /api/now/attachment (REST API reference, "Attachment API")."""

from starlette.requests import Request
from starlette.responses import Response

from firstline_servicenow.sandbox import query
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.shape import Shaper
from firstline_servicenow.sandbox.store import Row
from firstline_servicenow.sandbox.wire import address, answer

TABLE = "sys_attachment"
LIMIT = 1000


async def collection(request: Request, instance: Instance, user: str) -> Response:
    asked = request.query_params
    rows = query.select(instance.store, TABLE, asked.get("sysparm_query", ""))
    limit, offset = int(asked.get("sysparm_limit", LIMIT)), int(asked.get("sysparm_offset", 0))
    page = [row for row in rows[offset : offset + limit] if _readable(instance, user, row)]
    headers = {"X-Total-Count": str(len(rows))}
    return answer({"result": [_shown(instance, row) for row in page]}, headers=headers)


async def upload(request: Request, instance: Instance, user: str) -> Response:
    """The body is the file."""
    asked, content = request.query_params, await request.body()
    table, record, name = (asked.get(field, "") for field in ("table_name", "table_sys_id", "file_name"))
    media_type = request.headers.get("content-type", "")
    if not (table and record and name and media_type):
        raise Fault(400, "Missing parameter", "table_name, table_sys_id, file_name and Content-Type are mandatory")
    row = instance.store.get(table, record)
    if row is None or not instance.reads(user, table, row):
        raise Fault(404, "Invalid table_name/table_sys_id", "The record does not exist or can not be read")
    made = instance.store.insert(TABLE, _fields(table, record, name, media_type, content), user)
    where = f"{address(request, instance)}/api/now/attachment/{made['sys_id']}"
    instance.store.update(TABLE, made, {"download_link": f"{where}/file"}, user)
    made["sys_mod_count"] = "0"
    instance.files[made["sys_id"]] = content
    return answer({"result": _shown(instance, made)}, 201, {"Location": where})


async def single(request: Request, instance: Instance, user: str) -> Response:
    row = _row(request, instance, user)
    if request.method == "DELETE":
        instance.store.delete(TABLE, row)
        return Response(status_code=204)
    return answer({"result": _shown(instance, row)})


async def download(request: Request, instance: Instance, user: str) -> Response:
    row = _row(request, instance, user)
    return Response(instance.files.get(row["sys_id"], b""), headers={"Content-Type": row["content_type"]})


def _fields(table: str, record: str, name: str, media_type: str, content: bytes) -> dict[str, str]:
    size = str(len(content))
    return {
        "table_name": table,
        "table_sys_id": record,
        "file_name": name,
        "content_type": media_type,
        "size_bytes": size,
        "size_compressed": size,
        "compressed": "true",
    }


def _shown(instance: Instance, row: Row) -> dict[str, str]:
    shown: dict[str, str] = Shaper(instance.store, "").table(TABLE, row, links=False)
    return shown


def _readable(instance: Instance, user: str, row: Row) -> bool:
    """Who may not read the record may not read its files."""
    owner = instance.store.get(row["table_name"], row["table_sys_id"])
    return owner is not None and instance.reads(user, row["table_name"], owner)


def _row(request: Request, instance: Instance, user: str) -> Row:
    row = instance.store.get(TABLE, request.path_params["sys_id"])
    if row is None or not _readable(instance, user, row):
        raise Fault(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")
    return row
