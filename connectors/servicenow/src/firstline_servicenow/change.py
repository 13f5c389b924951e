"""The Change Management API, over HTTP. It answers in another shape than the Table API: typed values with display
values, and for a single change sometimes a list of one."""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from firstline.connector import ChangeType
from firstline.errors import Rejected
from firstline_servicenow import query
from firstline_servicenow.record import value
from firstline_servicenow.rest import ask

ROOT = "/api/sn_chg_rest/change"


class ChangeApi:
    """One call, one request."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def create(self, kind: ChangeType, template: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Create a change; `template` is a standard change template's sys_id."""
        path = f"standard/{query.sys_id(template)}" if kind == "standard" else kind
        return _one(await self._ask("POST", f"{ROOT}/{path}", fields))

    async def read(self, sys_id: str) -> dict[str, Any]:
        return _one(await self._ask("GET", f"{ROOT}/{query.sys_id(sys_id)}"))

    async def update(self, sys_id: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """Write fields and return the change as the vendor shows it then. A transition that is not allowed is answered
        200 as well: compare."""
        return _one(await self._ask("PATCH", f"{ROOT}/{query.sys_id(sys_id)}", fields))

    async def offered(self, sys_id: str) -> dict[str, str]:
        """The states the change can be moved to now, with their labels. The vendor lists the present one among them."""
        result = await self._ask("GET", f"{ROOT}/{query.sys_id(sys_id)}/nextstates")
        if not isinstance(result, dict) or not isinstance(result.get("available_states"), list):
            raise Rejected("nextstates: expected an object with available_states")
        labels = result.get("state_label") or {}
        states = [value({"state": state}, "state") for state in result["available_states"]]
        return {state: str(labels.get(state, state)) for state in states}

    async def _ask(self, method: str, url: str, fields: Mapping[str, str] | None = None) -> Any:
        if fields is None:
            return await ask(self._http, method, url)
        headers = {"Content-Type": "application/json"}
        return await ask(self._http, method, url, content=orjson.dumps(fields), headers=headers)


def _one(result: Any) -> dict[str, Any]:
    first = result[0] if isinstance(result, list) and len(result) == 1 else result
    if not isinstance(first, dict):
        raise Rejected(f"ServiceNow answered {type(result).__name__} where one change was expected")
    return first
