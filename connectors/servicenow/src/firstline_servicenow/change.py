"""The Change Management API, over HTTP. It answers in another shape than the Table API: typed values with display
values, and for a single change sometimes a list of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from firstline.connector import ChangeType
from firstline.errors import Rejected
from firstline_servicenow import query
from firstline_servicenow.record import Record, value
from firstline_servicenow.rest import ask

ROOT = "/api/sn_chg_rest/change"


@dataclass(frozen=True)
class Offer:
    """`states`: those that the change can go to now, with their labels; the vendor lists the present one among them.
    `unmet`: what some transitions still need, in the vendor's words."""

    states: Mapping[str, str]
    unmet: tuple[str, ...] = ()

    def beyond(self, change: Record) -> set[str]:
        return set(self.states) - {value(change, "state")}

    def told(self, change: Record) -> str:
        labels = [label for state, label in self.states.items() if state != value(change, "state")]
        needs = f". Not met: {'; '.join(self.unmet)}" if self.unmet else ""
        return f"Offered: {', '.join(labels) or 'nothing'}{needs}"


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

    async def offered(self, sys_id: str) -> "Offer":
        """The states the change can be moved to now."""
        return _offer(await self._ask("GET", f"{ROOT}/{query.sys_id(sys_id)}/nextstates"))

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


def _offer(result: Any) -> Offer:
    """`nextstates`. A state that is listed, but to which each transition lacks a condition, is not offered."""
    if not isinstance(result, dict) or not isinstance(result.get("available_states"), list):
        raise Rejected("nextstates: expected an object with available_states")
    ways = list(_transitions(result.get("state_transitions")))
    closed = {to for to, _, _ in ways} - {to for to, available, _ in ways if available}
    labels = result.get("state_label") or {}
    states = [value({"state": state}, "state") for state in result["available_states"]]
    unmet = dict.fromkeys(told for to, available, told in ways if told and not available and to in closed)
    return Offer({state: str(labels.get(state, state)) for state in states if state not in closed}, tuple(unmet))


def _transitions(groups: Any) -> Iterator[tuple[str, bool, str]]:
    """Where each transition leads, whether it can be taken now, and what it lacks."""
    for group in groups if isinstance(groups, list) else ():
        for way in group if isinstance(group, list) else ():
            if isinstance(way, Mapping):
                lacks = ", ".join(_lacking(way.get("conditions")))
                told = f"{value(way, 'display_value')} needs {lacks}" if lacks else ""
                yield value(way, "to_state"), way.get("transition_available") is not False, told


def _lacking(conditions: Any) -> Iterator[str]:
    for one in conditions if isinstance(conditions, list) else ():
        if isinstance(one, Mapping) and one.get("passed") is False and isinstance(one.get("condition"), Mapping):
            yield value(one["condition"], "name")
