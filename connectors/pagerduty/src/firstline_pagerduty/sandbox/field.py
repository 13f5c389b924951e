"""The REST API's custom fields and status updates of incidents (OpenAPI, "Update Custom Field Values", "Create a
status update on an incident")."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.account import Account
from firstline_pagerduty.sandbox.entity import CustomField, Incident
from firstline_pagerduty.sandbox.http import Gate, body_of
from firstline_pagerduty.sandbox.requester import Requesters
from firstline_pagerduty.sandbox.shape import Shape

TYPES: dict[str, type | tuple[type, ...]] = {"boolean": bool, "integer": int, "float": (int, float)}
Json = dict[str, Any]


class Fields:
    def __init__(self, account: Account, shape: Shape, gate: Gate) -> None:
        self._account = account
        self._shape = shape
        self._gate = gate
        self._requesters = Requesters(account)

    def routes(self) -> list[Route]:
        values = "/incidents/{id}/custom_fields/values"
        table = [
            ("GET", values, self.show),
            ("PUT", values, self.fill),
            ("POST", "/incidents/{id}/status_updates", self.publish),
        ]
        return [Route(path, self._gate.guard(f"{verb} {path}", act), methods=[verb]) for verb, path, act in table]

    async def show(self, request: Request) -> Json:
        return {"custom_fields": self._values(self._incident(request))}

    async def fill(self, request: Request) -> tuple[int, Json]:
        incident = self._incident(request)
        changes = await body_of(request, "custom_fields", list)
        values = {self._field(change).id: change.get("value") for change in changes}
        for change in changes:
            _check(self._field(change), change.get("value"))
        if "custom_fields" not in self._account.trouble.ignored:
            self._account.fill(incident, values, None)
        return 201, {"custom_fields": self._values(incident)}

    async def publish(self, request: Request) -> Json:
        agent = self._requesters.of(request)
        message = await body_of(request, "message", str)
        if not message.strip():
            raise error.invalid("Message can't be blank")
        entry = self._account.publish(self._incident(request), message, agent)
        told = {"id": entry.id, "message": message, "sender": self._shape.user_link(agent)}
        return {"status_update": told | {"created_at": entry.created_at.isoformat()}}

    def _values(self, incident: Incident) -> list[Json]:
        return [
            {
                "id": one.id,
                "type": "field_value",
                "name": one.name,
                "display_name": one.display_name,
                "description": None,
                "data_type": one.data_type,
                "field_type": one.field_type,
                "value": incident.custom_fields.get(one.id),
            }
            for one in self._account.fields
        ]

    def _field(self, change: Json) -> CustomField:
        found = (one for one in self._account.fields if change.get("id") == one.id or change.get("name") == one.name)
        field = next(found, None)
        if field is None:
            raise error.invalid("Custom field not found")
        return field

    def _incident(self, request: Request) -> Incident:
        incident = self._account.incidents.get(request.path_params["id"])
        if incident is None:
            raise error.not_found()
        return incident


def _check(field: CustomField, value: Any) -> None:
    if value is None:
        return
    many = field.field_type.startswith("multi_value")
    values = value if many and isinstance(value, list) else [value]
    wanted = TYPES.get(field.data_type, str)
    if many != isinstance(value, list) or not all(isinstance(one, wanted) for one in values):
        raise error.invalid(f"Value of {field.name} must be a {field.field_type} of {field.data_type}")
