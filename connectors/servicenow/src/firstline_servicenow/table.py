"""The Table API, through pysnow. The only module that knows pysnow.

pysnow is synchronous, so each call runs in a thread. Its `Resource` mixes up the queries of concurrent calls: one is
made for each call. Its `update` reads and then writes with PUT: PATCH is sent through `request` instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio.to_thread
import orjson
import pysnow
import requests
from pysnow.exceptions import PysnowException

from firstline.errors import Rejected, Unavailable
from firstline.http import CONNECT_TIMEOUT, TIMEOUT, error_for
from firstline.meter import Meter, Quota
from firstline_servicenow import query
from firstline_servicenow.sign_in import SignIn, Wire

ResultT = TypeVar("ResultT")

THREADS = 8  # calls at once to one instance; a default instance answers four at once for one account anyway


@dataclass(frozen=True)
class Found:
    """The rows the account may read, and how many there are. The vendor counts, and cuts at the limit, before it
    applies access rules: a page that is short, or empty, need not be the last."""

    rows: list[dict[str, Any]]
    total: int
    more: bool = False
    answered_at: datetime | None = None  # by the instance's clock

    @property
    def hidden(self) -> bool:
        return not self.rows and self.total > 0


class Table:
    """Reads and writes rows. Raises `firstline.errors` only; never retries."""

    def __init__(self, base_url: str, sign_in: SignIn, meter: Meter) -> None:
        self._session = requests.Session()
        self._wire = Wire(sign_in, meter)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, self._wire)
        self._session.trust_env = False  # no proxy, and no .netrc that would replace our account
        self._session.hooks["response"].append(_judge)
        address = urlsplit(base_url)
        self._client = pysnow.Client(
            host=f"{address.netloc}{address.path}", use_ssl=address.scheme == "https", session=self._session
        )
        self._threads = anyio.CapacityLimiter(THREADS)

    async def get(self, table: str, sys_id: str, fields: Sequence[str] = ()) -> dict[str, Any]:
        """One row, with display values; all its fields, or those named. `Rejected` when there is none."""
        path = f"/{query.sys_id(sys_id)}"

        def ask() -> dict[str, Any]:
            return _row(self._resource(table, fields).request("GET", path_append=path).all(), table)

        return await self._call(ask)

    async def find(self, table: str, where: str, fields: Sequence[str], limit: int = 2, offset: int = 0) -> Found:
        """Rows that fit an encoded query (`query.where`), with display values."""

        def ask() -> Found:
            response = self._resource(table, fields, where, limit, offset).request("GET")
            return _found(response.all(), response.headers, limit, offset)

        return await self._call(ask)

    async def create(self, table: str, values: Mapping[str, str], fields: Sequence[str]) -> dict[str, Any]:
        """A new row; return the named fields as the vendor says they are. It leaves out silently what the account may
        not write, so compare."""
        body = orjson.dumps(values)

        def ask() -> dict[str, Any]:
            return _row(self._resource(table, fields).request("POST", data=body).all(), table)

        return await self._call(ask)

    async def update(
        self, table: str, sys_id: str, values: Mapping[str, str], fields: Sequence[str] = ("sys_id",)
    ) -> dict[str, Any]:
        """Write fields of one row; return the named fields as the vendor says they are now. The vendor leaves out
        silently what the account may not write, so compare."""
        path, body = f"/{query.sys_id(sys_id)}", orjson.dumps(values)

        def ask() -> dict[str, Any]:
            resource = self._resource(table, fields)
            return _row(resource.request("PATCH", path_append=path, data=body).all(), table)

        return await self._call(ask)

    @property
    def quota(self) -> Quota | None:
        """What the instance last said of its limit."""
        return self._wire.quota

    def close(self) -> None:
        self._session.close()

    def _resource(
        self, table: str, fields: Sequence[str], where: str = "", limit: int | None = None, offset: int = 0
    ) -> Any:
        """pysnow sends what nobody set too, and booleans in capitals: None takes a parameter away."""
        resource = self._client.resource(api_path=f"/table/{query.table(table)}", timeout=(CONNECT_TIMEOUT, TIMEOUT))
        resource.parameters.add_custom(
            {
                "sysparm_query": where or None,
                "sysparm_limit": limit,
                "sysparm_offset": offset or None,
                "sysparm_fields": ",".join(fields) or None,
                "sysparm_display_value": "all",
                "sysparm_exclude_reference_link": "true",
                "sysparm_suppress_pagination_header": None,
                "sysparm_view": None,
            }
        )
        return resource

    async def _call(self, ask: Callable[[], ResultT]) -> ResultT:
        try:
            return await anyio.to_thread.run_sync(ask, limiter=self._threads)
        except requests.RequestException as error:
            raise Unavailable(f"ServiceNow's Table API: {type(error).__name__}: {error}") from error
        except PysnowException as error:
            raise Rejected(f"ServiceNow's Table API answered in an unknown shape: {error}") from error


def _judge(response: requests.Response, *_: Any, **__: Any) -> None:
    """Runs on each response before pysnow sees it. A redirect is refused too: it would carry the password along."""
    request = response.request
    what = f"{request.method} {urlsplit(request.url or '').path}"
    if not 200 <= response.status_code < 300:
        raise error_for(response.status_code, response.text, response.headers, what)
    if "json" not in response.headers.get("Content-Type", ""):
        response.close()
        raise Unavailable(f"{what} answered a page instead of JSON: the instance is hibernating or in maintenance")


def _found(rows: list[dict[str, Any]], headers: Mapping[str, str], limit: int, offset: int) -> Found:
    total = headers.get("X-Total-Count", "")
    counted = int(total) if total.isdigit() else offset + len(rows)
    more = 'rel="next"' in headers.get("Link", "") or counted > offset + limit
    if not total.isdigit() and "Link" not in headers:
        more = len(rows) >= limit
    return Found(rows, counted, more, _answered_at(headers))


def _answered_at(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None


def _row(rows: list[dict[str, Any]], table: str) -> dict[str, Any]:
    if len(rows) != 1 or not isinstance(rows[0], dict):
        raise Rejected(f"ServiceNow answered {len(rows)} rows of {table} where one was asked for")
    return rows[0]
