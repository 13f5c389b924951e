"""Compares an answer of the stand-in with the vendor's published example of it."""

import json
from pathlib import Path
from typing import Any

CONTRACTS = Path(__file__).parents[3] / "tests" / "contracts" / "servicenow"


def example(name: str) -> Any:
    """The `result` of a published answer."""
    return json.loads((CONTRACTS / f"{name}.json").read_text())["result"]


def differences(wanted: Any, given: Any, place: str = "result") -> list[str]:
    """Where the two differ in key sets or in kinds of values. Of lists the first elements are compared. A text that is
    empty in one of the two says nothing about the kind."""
    if isinstance(wanted, dict) and isinstance(given, dict):
        lacking = [f"{place}.{key} is missing" for key in wanted.keys() - given.keys()]
        beyond = [f"{place}.{key} is not in the example" for key in given.keys() - wanted.keys()]
        within = [
            d for key in wanted.keys() & given.keys() for d in differences(wanted[key], given[key], f"{place}.{key}")
        ]
        return lacking + beyond + within
    if isinstance(wanted, list) and isinstance(given, list):
        return differences(wanted[0], given[0], f"{place}[0]") if wanted and given else []
    if "" in (wanted, given) or wanted is None:
        return []
    return (
        [] if type(wanted) is type(given) else [f"{place} is a {type(given).__name__}, not a {type(wanted).__name__}"]
    )
