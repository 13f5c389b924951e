"""Setting fields of an incident: priority, custom fields, status updates for stakeholders."""

from typing import Any

from firstline.connector import Update
from firstline.errors import Rejected, Unavailable
from firstline_pagerduty.incident import Found, name, read, write
from firstline_pagerduty.rest import Rest

PUBLISHED = "status_update_log_entry"


async def update(rest: Rest, incident: str, change: Update) -> None:
    """Set what is not so already, and read it back. Raises `Rejected`, naming the field."""
    if change.priority is not None:
        await _prioritise(rest, incident, change.priority)
    if change.fields:
        await _fill(rest, incident, change.fields)
    if change.status:
        await _publish(rest, incident, change.status)


async def _prioritise(rest: Rest, incident: str, number: int) -> None:
    found = await read(rest, incident)
    wanted = _choose((await rest.get("/priorities", limit=100)).get("priorities") or (), number)
    if _priority(found) == wanted["id"]:
        return
    answer = await write(rest, found, {"priority": {"id": wanted["id"], "type": "priority_reference"}})
    if _priority(answer) != wanted["id"]:
        raise Rejected(f"PagerDuty took priority {wanted['name']} for {name(found)}, but it is not its priority")


def _choose(priorities: Any, number: int) -> dict[str, Any]:
    """The one named `P` and the number; else by its place, for they come most severe first ("List priorities")."""
    rows = [row for row in priorities if isinstance(row, dict) and row.get("id")]
    if not rows:
        raise Rejected("the account has no priorities: enable them (Account Settings, Incident Settings)")
    named = next((row for row in rows if str(row.get("name") or "").split(" ")[0].upper() == f"P{number}"), None)
    chosen = named or (rows[number - 1] if number <= len(rows) else None)
    if chosen is None:
        raise Rejected(f"the account has {len(rows)} priorities and none named P{number}")
    return chosen | {"name": chosen.get("name") or chosen.get("summary") or chosen["id"]}


async def _fill(rest: Rest, incident: str, fields: dict[str, str]) -> None:
    """By name; names as PagerDuty has them, or as people see them (`display_name`)."""
    path = f"/incidents/{incident}/custom_fields/values"
    has = _fields(await rest.get(path))
    if absent := sorted(set(fields) - has.keys()):
        raise Rejected(
            f"incidents have no custom field {', '.join(absent)}; there are: {', '.join(sorted(has)) or 'none'}"
        )
    wanted = {label: _typed(has[label], text) for label, text in fields.items()}
    values = [
        {"id": has[label]["id"], "value": value} for label, value in wanted.items() if has[label].get("value") != value
    ]
    if not values:
        return
    await rest.put(path, {"custom_fields": values})
    now = _fields(await rest.get(path))
    if kept := sorted(label for label, value in wanted.items() if now.get(label, {}).get("value") != value):
        raise Rejected(f"PagerDuty took {', '.join(kept)} and did not keep it: is it read-only for this key or type?")


def _fields(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    rows = [row for row in answer.get("custom_fields") or () if isinstance(row, dict) and row.get("id")]
    return {str(row[kind]): row for kind in ("display_name", "name") for row in rows if row.get(kind)}


def _typed(field: dict[str, Any], text: str) -> Any:
    """The text as the field's type has it. Raises `Rejected` for what can't be read so."""
    if str(field.get("field_type")).startswith("multi_value"):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        match field.get("data_type"):
            case "boolean":
                return {"true": True, "false": False}[text.strip().lower()]
            case "integer":
                return int(text)
            case "float":
                return float(text)
            case _:
                return text
    except (KeyError, ValueError) as error:
        raise Rejected(
            f"{text!r} is no {field['data_type']}: custom field {field.get('name')} takes nothing else"
        ) from error


async def _publish(rest: Rest, incident: str, message: str) -> None:
    """What was published can't be listed, but stands in the incident's log (as `status_update_log_entry`, which no
    schema has). The last one saying the same is this one."""
    log = await rest.get(f"/incidents/{incident}/log_entries", limit=100)
    entries = sorted(log.get("log_entries") or (), key=lambda entry: str(entry.get("created_at")), reverse=True)
    last = next((entry for entry in entries if entry.get("type") == PUBLISHED), None)
    if last is not None and message in (last.get("message"), (last.get("channel") or {}).get("message")):
        return
    answer = await rest.post(f"/incidents/{incident}/status_updates", {"message": message})
    if (answer.get("status_update") or {}).get("message") != message:
        raise Unavailable("PagerDuty's answer does not show the status update: whether it was made is looked for")


def _priority(found: Found) -> str:
    return str((found.get("priority") or {}).get("id") or "")
