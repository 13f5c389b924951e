"""One incident by the REST API: read, and written (PagerDuty REST API, "Get an incident", "Update an incident")."""

from typing import Any

from firstline.errors import Rejected
from firstline_pagerduty.rest import Rest

Found = dict[str, Any]


async def read(rest: Rest, incident: str) -> Found:
    return _incident(await rest.get(f"/incidents/{incident}"))


async def write(rest: Rest, found: Found, fields: dict[str, Any]) -> Found:
    """The answer shows the incident as it is after the write."""
    body = {"incident": {"type": "incident_reference", **fields}}
    return _incident(await rest.put(f"/incidents/{found['id']}", body))


def name(found: Found) -> str:
    return f"incident #{found.get('incident_number') or found['id']}"


def assignees(found: Found) -> set[str]:
    rows = (one.get("assignee") or {} for one in found.get("assignments") or ())
    return {str(one["id"]) for one in rows if one.get("id")}


def _incident(answer: dict[str, Any]) -> Found:
    found = answer.get("incident")
    if not isinstance(found, dict) or not {"id", "status"} <= found.keys():
        raise Rejected("PagerDuty's answer names no incident with an id and a status")
    return found
