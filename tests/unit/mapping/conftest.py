from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firstline.incident import Event, Incident, Reference
from firstline.mapping import Packs, load_packs

RUNBOOK = """\
id: {id}
version: 1.0.0
title: A runbook
owner: team
inputs:
  app: {{type: string, pattern: "[a-z-]*", max_length: 20}}
  port: {{type: integer, minimum: 1, default: 80}}
  share: {{type: number, default: 0.5}}
  dry: {{type: boolean, default: false}}
targets: ["${{{{ inputs.app }}}}"]
{change}
steps:
  - name: a step
    run: [echo, "${{{{ target }}}}"]
{after}
"""

CHANGE = "change: {type: normal}"
AFTER = "after:\n  - {name: it works, run: ['true']}"

Write = Callable[..., Packs]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a pack with the runbooks `fix` (changes, proves), `blind` (changes, proves nothing) and `look` (only
    reads), and loads all packs. Mappings are given as YAML, without the first line."""

    def write(mappings: str, pack: str = "shop", tests: str = "") -> Packs:
        folder = tmp_path / pack
        for name, change, after in (("fix", CHANGE, AFTER), ("blind", CHANGE, ""), ("look", "", AFTER)):
            (folder / "runbooks" / name).mkdir(parents=True, exist_ok=True)
            text = RUNBOOK.format(id=name, change=change, after=after)
            (folder / "runbooks" / name / "runbook.yaml").write_text(text)
        (folder / "mapping.yaml").write_text("mappings:\n" + mappings)
        if tests:
            (folder / "tests.yaml").write_text(tests)
        return load_packs(tmp_path)

    return write


@pytest.fixture
def event() -> Callable[..., Event]:
    """Makes an event; `data`, and names that `Event` does not have, go to its incident."""

    def make(**given: Any) -> Event:
        reference = Reference(connection="snow", kind="incident", id="abc", number="INC1", url="https://x/1")
        outer = {name: given.pop(name) for name in set(given) & set(Event.model_fields) - {"data"}}
        incident = Incident(reference=reference, **{"title": "shop does not answer", "service": "shop", **given})
        occurred = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        basis = {"id": "e1", "type": "incident.opened", "reference": reference, "occurred_at": occurred}
        return Event(**{**basis, "incident": incident, **outer})

    return make
