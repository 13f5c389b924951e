"""The Table API: /api/now/table, /api/now/v1/table, /api/now/v2/table (REST API reference, "Table API")."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from firstline_servicenow.sandbox import query
from firstline_servicenow.sandbox.fault import Fault, no_record
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.shape import Display, Shaper
from firstline_servicenow.sandbox.store import Row
from firstline_servicenow.sandbox.wire import address, answer, fields

LIMIT = 10_000


async def collection(request: Request, instance: Instance, user: str) -> Response:
    table = _table(request, instance)
    view = _View.of(request, instance)
    if request.method == "POST":
        row = instance.create(table, await fields(request), user)
        where = {"Location": f"{address(request, instance)}/api/now/table/{table}/{row['sys_id']}"}
        return answer({"result": view.show(table, row)}, 201, where)
    return _list(request, instance, table, view, user)


async def single(request: Request, instance: Instance, user: str) -> Response:
    table = _table(request, instance)
    row = instance.store.get(table, request.path_params["sys_id"])
    if row is None or not instance.reads(user, table, row):
        raise no_record()
    if request.method == "DELETE":
        return _delete(instance, table, row, user)
    if request.method in ("PATCH", "PUT"):
        instance.write(table, row, await fields(request), user)
    return answer({"result": _View.of(request, instance).show(table, row)})


def _list(request: Request, instance: Instance, table: str, view: "_View", user: str) -> Response:
    """What access rules hide is counted, and takes its place on the page, all the same."""
    asked = request.query_params
    encoded = _encoded(asked, instance.store.shapes[table].kinds).replace("javascript:gs.getUserName()", user)
    rows = query.select(instance.store, table, encoded, instance.zone(user))
    limit, offset = _whole(asked, "sysparm_limit", LIMIT), _whole(asked, "sysparm_offset", 0)
    page = [view.show(table, row) for row in rows[offset : offset + limit] if instance.reads(user, table, row)]
    if not page and request.path_params.get("version") == "v1":
        raise no_record()
    headers = {"X-Total-Count": str(len(rows))}
    if asked.get("sysparm_suppress_pagination_header") != "true":
        links = _links(request, instance, len(rows), limit, offset)
        headers |= {"Link": links} if links else {}
    return answer({"result": page}, headers=headers)


def _delete(instance: Instance, table: str, row: Row, user: str) -> Response:
    if not instance.admin(user):
        raise Fault(403, "Operation Failed", "ACL Exception Delete Failed due to security constraints")
    instance.store.delete(table, row)
    return Response(status_code=204)


@dataclass(frozen=True)
class _View:
    shaper: Shaper
    display: Display
    links: bool
    fields: tuple[str, ...]

    @classmethod
    def of(cls, request: Request, instance: Instance) -> "_View":
        asked = request.query_params
        display = asked.get("sysparm_display_value", "false").lower()
        return cls(
            Shaper(instance.store, address(request, instance)),
            "all" if display == "all" else "true" if display == "true" else "false",
            asked.get("sysparm_exclude_reference_link", "false").lower() != "true",
            tuple(name for name in asked.get("sysparm_fields", "").split(",") if name),
        )

    def show(self, table: str, row: Row) -> dict[str, Any]:
        return self.shaper.table(table, row, self.display, self.links, self.fields)


def _table(request: Request, instance: Instance) -> str:
    table: str = request.path_params["table"]
    if table not in instance.store.shapes:
        raise Fault(400, f"Invalid table {table}")
    return table


def _encoded(asked: Mapping[str, str], kinds: Container[str]) -> str:
    """The encoded query, or name-value pairs, which stand for one."""
    if asked.get("sysparm_query"):
        return asked["sysparm_query"]
    return "^".join(f"{name}={value}" for name, value in asked.items() if name in kinds)


def _whole(asked: Mapping[str, str], name: str, default: int) -> int:
    value = asked.get(name, "")
    return int(value) if value.isdigit() else default


def _links(request: Request, instance: Instance, total: int, limit: int, offset: int) -> str:
    """Relative pages as a Link header; none when all fits on one page."""
    if total <= limit or limit == 0:
        return ""
    starts = {"first": 0, "last": (total - 1) // limit * limit}
    if offset > 0:
        starts["prev"] = max(0, offset - limit)
    if offset + limit < total:
        starts["next"] = offset + limit
    path = f"{address(request, instance)}{request.url.path}"
    kept = dict(request.query_params)
    return ",".join(
        f'<{path}?{urlencode(kept | {"sysparm_limit": limit, "sysparm_offset": start})}>;rel="{name}"'
        for name, start in starts.items()
    )
