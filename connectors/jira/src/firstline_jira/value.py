"""Values of fields, in the forms that Jira takes and shows them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from firstline.errors import Rejected
from firstline_jira import adf
from firstline_jira.edition import Edition
from firstline_jira.fit import cut

LONGEST = 30_000  # characters of a text field
ONE_LINE = 255

Screen = Mapping[str, Any]  # field id → what Jira says of it: name, schema, allowedValues


def field_id(screen: Screen, name: str) -> str:
    """The id of a field of the screen that is named so, or has that id."""
    if name in screen:
        return name
    match = [id for id in screen if label(screen, id).casefold() == name.casefold()]  # noqa: A001
    if len(match) != 1:
        names = ", ".join(sorted(label(screen, id) for id in screen)) or "none"  # noqa: A001
        raise Rejected(f"{name!r} names {len(match)} fields of the screen, which has: {names}")
    return match[0]


def label(screen: Screen, id: str) -> str:  # noqa: A002 - Jira's word
    return str((screen.get(id) or {}).get("name") or id)


def written(field: Mapping[str, Any], value: str, edition: Edition) -> Any:
    """The value in the form that a field of this kind takes. Raises `Rejected`, naming what it may be."""
    schema = field.get("schema") or {}
    match str(schema.get("type", "")):
        case "option":
            return {"value": _choice(field, value, "value")}
        case "priority" | "resolution":
            return {"name": _choice(field, value, "name")}
        case "array" if schema.get("items") in ("option", "component", "version"):
            key = "value" if schema["items"] == "option" else "name"
            return [{key: _choice(field, one, key)} for one in _several(value)]
        case "array" if schema.get("items") in ("user", "group"):
            key = edition.person if schema["items"] == "user" else "name"
            return [{key: one} for one in _several(value)]
        case "array" if schema.get("items") == "string":
            return _several(value)
        case "number":
            return _number(field, value)
        case "user":
            return {edition.person: value}
        case "string" if _is_long(schema):
            return edition.words(cut(value, LONGEST))
        case "string" | "date" | "datetime":
            return cut(value, ONE_LINE)
        case other:
            raise Rejected(f"{field.get('name')} is a field of type {other or 'unknown'}, which can't be set here")


def _is_long(schema: Mapping[str, Any]) -> bool:
    return str(schema.get("custom", "")).endswith(":textarea") or schema.get("system") in ("description", "environment")


def _several(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _number(field: Mapping[str, Any], value: str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise Rejected(f"{field.get('name')}: {value!r} is no number") from error


def _choice(field: Mapping[str, Any], value: str, key: str) -> str:
    """One of those the screen lists, as it is spelt there."""
    offered = [str(row.get(key)) for row in field.get("allowedValues") or [] if isinstance(row, dict)]
    match = next((one for one in offered if one.casefold() == value.casefold()), None)
    if match is None and offered:
        raise Rejected(f"{field.get('name')}: {value!r} is none of {', '.join(offered)}")
    return match or value


def same(found: Any, wanted: Any) -> bool:
    """Whether what Jira shows is what was written; it shows more of an object than is written."""
    if isinstance(wanted, dict) and wanted.get("type") == "doc":
        return adf.plain(found).split() == adf.plain(wanted).split()
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(found.get(key) == value for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and _all_there(found, wanted)
    if isinstance(wanted, str) and isinstance(found, str):
        return found.split() == wanted.split()
    return bool(found == wanted)


def _all_there(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    return all(any(same(one, other) for one in found) for other in wanted)
