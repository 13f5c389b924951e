"""Reads an event that somebody wrote down: for a test case, or to have it explained."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from firstline.declaration import Misdeclarations
from firstline.declaration.load import read_text
from firstline.errors import Misdeclared
from firstline.incident import Event

OCCURRED = "2026-01-01T00:00:00Z"  # for an event that names no time: the same each time it is read


def load_event(path: Path) -> Event:
    """The event in a JSON file. What a person would not care to write is filled in: `id` from the file's name,
    `reference` from the incident's, `occurred_at` from its `opened_at`. Raises `Misdeclared`."""
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise Misdeclared(error.msg, place=f"{path}:{error.lineno}:{error.colno}") from error
    except RecursionError as error:
        raise Misdeclared("nested too deep", place=f"{path}:1:1") from error
    if not isinstance(found, dict):
        raise Misdeclared("an event is a JSON object", place=f"{path}:1:1")
    try:
        return Event.model_validate(filled(found, path.stem))
    except ValidationError as error:
        raise Misdeclarations(_fault(path, each) for each in error.errors(include_url=False)) from error


def filled(found: dict[str, Any], name: str) -> dict[str, Any]:
    """An event with what its author did not care to write."""
    incident = found.get("incident")
    incident = incident if isinstance(incident, dict) else {}
    occurred = incident.get("opened_at") or OCCURRED
    return {"id": name, "reference": incident.get("reference"), "occurred_at": occurred} | found


def _fault(path: Path, fault: Any) -> Misdeclared:
    where = ".".join(str(step) for step in fault["loc"])
    return Misdeclared(f"{where}: {fault['msg']}", place=f"{path}:1:1")
