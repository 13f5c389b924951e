"""The Change Management API: /api/sn_chg_rest/change (REST API reference, "Change Management API")."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from firstline_servicenow.sandbox import approval, query
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.schema import CHANGE_STATES
from firstline_servicenow.sandbox.shape import Shaper
from firstline_servicenow.sandbox.store import Row, text
from firstline_servicenow.sandbox.wire import answer, fields

_LIMIT = 500
_TEMPLATE = "std_change_record_producer"
# Taken from the template; what is sent is ignored ("POST /change/standard/{standard_change_template_id}").
_TEMPLATE_OWNS = ("description", "backout_plan", "test_plan", "implementation_plan")


async def collection(request: Request, instance: Instance, _: str) -> Response:
    asked = request.query_params
    rows = query.select(instance.store, "change_request", asked.get("sysparm_query", ""))
    offset = int(asked.get("sysparm_offset", "0") or 0)
    limit = int(asked.get("sysparm_limit", _LIMIT) or _LIMIT)
    return answer({"result": [_shown(instance, row) for row in rows[offset : offset + limit]]})


async def create(request: Request, instance: Instance, user: str) -> Response:
    """A normal or emergency change. The vendor's documents show the new change as a list of one."""
    kind = request.path_params["kind"]
    if kind not in ("normal", "emergency"):
        raise Fault(400, f"{kind} is not a valid change type")
    given = await _given(request)
    return _created(instance, given | {"type": kind}, user, _unknown(instance, given))


async def standard(request: Request, instance: Instance, user: str) -> Response:
    template = instance.store.get(_TEMPLATE, request.path_params["template"])
    if template is None:
        raise Fault(404, "Standard Change Template not found", f"{request.path_params['template']} is no template")
    given = await _given(request)
    fixed = {name: template[name] for name in _TEMPLATE_OWNS}
    preset = {name: template[name] for name in ("short_description", "assignment_group") if template[name]}
    owned = [name for name in _TEMPLATE_OWNS if name in given]
    values = preset | given | fixed | {"type": "standard"}
    return _created(instance, values, user, [*_unknown(instance, given), *owned])


async def single(request: Request, instance: Instance, user: str) -> Response:
    row = _row(request, instance)
    if request.method == "PATCH":
        instance.write("change_request", row, await _given(request), user)
    return answer({"result": _shown(instance, row)})


async def next_states(request: Request, instance: Instance, _: str) -> Response:
    row = _row(request, instance)
    ways = instance.model(row).ways.get(row["state"], [])
    states = [*ways, row["state"]]
    labels = {state: _label(instance, state) for state in states}
    return answer(
        {
            "result": {
                "available_states": states,
                "state_transitions": [[_transition(row, state, labels)] for state in ways],
                "state_label": labels,
            }
        }
    )


async def approvals(request: Request, instance: Instance, user: str) -> Response:
    """The caller's own answer: `state` approved or rejected; a refusal says why in `comments`."""
    row, given = _row(request, instance), await _given(request)
    if given.get("state") == "rejected" and not given.get("comments"):
        raise Fault(400, "Comments are required", "A rejection needs comments")
    entry = approval.asked(instance.store, row, user)
    instance.decide(entry, given, user)
    return answer({"result": Shaper(instance.store, "").table(approval.TABLE, entry, "all", links=False)})


def _label(instance: Instance, state: str) -> str:
    """Of a state that administrators added: its choice."""
    choices = instance.store.rows("sys_choice").values()
    named = [c["label"] for c in choices if (c["name"], c["element"], c["value"]) == ("change_request", "state", state)]
    return CHANGE_STATES.get(state) or (named[0] if named else state)


def _transition(row: Row, state: str, labels: dict[str, str]) -> dict[str, Any]:
    running = row["on_hold"] != "true"
    condition = {"name": "Not On hold", "description": None, "sys_id": "2132deb6c303101035ae3f52c1d3ae8c"}
    return {
        "sys_id": row["sys_id"][:24] + f"{int(state) + 16:08x}",
        "display_value": f"{labels[row['state']]} to {labels[state]}",
        "from_state": row["state"],
        "to_state": state,
        "transition_available": running,
        "automatic_transition": False,
        "conditions": [{"passed": running, "condition": condition}],
    }


def _created(instance: Instance, values: dict[str, str], user: str, ignored: list[str]) -> Response:
    row = instance.create("change_request", values, user)
    return answer({"result": [_shown(instance, row) | {"__meta": {"ignoredFields": ignored}}]})


async def _given(request: Request) -> dict[str, str]:
    """Name-value pairs from the address and the body; the body goes first."""
    body = {name: text(value) for name, value in (await fields(request)).items()}
    return dict(request.query_params) | body


def _unknown(instance: Instance, given: dict[str, str]) -> list[str]:
    return [name for name in given if name not in instance.store.shapes["change_request"].kinds]


def _shown(instance: Instance, row: Row) -> dict[str, Any]:
    return Shaper(instance.store, "").typed(row)


def _row(request: Request, instance: Instance) -> Row:
    row = instance.store.get("change_request", request.path_params["sys_id"])
    if row is None:
        raise Fault(404, "Record not found", f"Unable to find record with sys_id {request.path_params['sys_id']}")
    return row
