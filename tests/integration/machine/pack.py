"""The users' files in each edition that the machine switches between: mappings by mode and change, a runbook for each
type of change."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstline.intake.decide import Declarations
from firstline.intake.declared import Declared

PACK = "shop"
HOSTS = ("web1", "web2", "web3")
MODES: dict[str, dict[str, Any]] = {
    "observe": {"mode": "observe"},
    "suggest": {"mode": "suggest"},
    "approve": {"mode": "approve"},
    "pair": {"mode": "approve", "approval": {"by": ["sre"], "count": 2, "expires": "2h"}},
    "auto": {"mode": "auto"},
}
CHANGES: dict[str, Any] = {
    "none": "none",
    "standard": {"type": "standard", "template": "Restart"},
    "normal": {"type": "normal", "window": "4h"},
    "emergency": {"type": "emergency"},
}
MAPPINGS = tuple(f"{mode}-{change}" for mode in MODES for change in CHANGES)
AUTHOR, EDITOR = "olga", "otto"

# What an edition has otherwise than the first: of the runbook, of the mapping.
EDITIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "first": ({}, {}),
    "runbook edited": ({"version": "1.0.1"}, {}),
    "input edited": ({}, {"inputs": {"host": "${{ incident.ci }}", "how": "hard"}}),
    "target added": ({"targets": ["${{ inputs.host }}", "spare"]}, {}),
    "more approvers": ({}, {"approval": {"by": ["sre"], "count": 3}}),
    "only suggests": ({}, {"mode": "suggest"}),
}


@dataclass(frozen=True)
class Shelf:
    """Every edition, compiled once; `folder` keeps the runbooks of all."""

    folder: Path
    editions: dict[str, Declarations]


def shelved(folder: Path) -> Shelf:
    state = folder / "state"
    editions = {}
    for number, (name, (runbook, mapping)) in enumerate(EDITIONS.items()):
        files = folder / str(number)
        _write(files, runbook, mapping)
        editions[name] = Declared(files, state).load()
    return Shelf(state / "shelf", editions)


def _write(folder: Path, runbook: dict[str, Any], mapping: dict[str, Any]) -> None:
    for change, declared in CHANGES.items():
        path = folder / PACK / "runbooks" / f"mend-{change}"
        path.mkdir(parents=True)
        (path / "runbook.yaml").write_text(json.dumps({**_runbook(change, declared), **runbook}))
    mappings = [
        {**_mapping(mode, change), **declared, **mapping} for mode, declared in MODES.items() for change in CHANGES
    ]
    (folder / PACK / "mapping.yaml").write_text(json.dumps({"mappings": mappings}))


def _mapping(mode: str, change: str) -> dict[str, Any]:
    return {
        "id": f"{mode}-{change}",
        "when": f'incident.title == "{mode}-{change}"',
        "runbook": f"mend-{change}",
        "inputs": {"host": "${{ incident.ci }}"},
        "dedupe": "${{ incident.ci }}",
    }


def _runbook(change: str, declared: Any) -> dict[str, Any]:
    return {
        "id": f"mend-{change}",
        "version": "1.0.0",
        "title": "Mend it",
        "owner": "team-shop",
        "authors": [AUTHOR],
        "inputs": {"host": {"type": "string"}, "how": {"type": "string", "default": "soft"}},
        "targets": ["${{ inputs.host }}"],
        "change": declared,
        "before": [{"name": "the fault is there", "run": ["is-broken", "${{ target }}"]}],
        "steps": [
            {"name": "drain", "run": ["drain", "${{ target }}"]},
            {"name": "mend", "run": ["mend", "${{ target }}", "${{ inputs.how }}"]},
        ],
        "after": [{"name": "it is mended", "run": ["is-well", "${{ target }}"]}],
        "rollback": [{"name": "undrain", "run": ["undrain", "${{ target }}"]}],
    }
