"""A hub that runs: what a guard holds does not run, and goes on when a person or the clock has let it."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.hub.conftest import STANDARD, Running, Start, triggered

from firstline.testing.patience import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FREEZE = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:always
SUMMARY:{name}
RESOURCES:shop
DTSTART:20200101T000000Z
DTEND:20990101T000000Z
END:VEVENT
END:VCALENDAR
"""


def held(hub: Running, *reasons: str) -> str:
    """The remediation's id, once so many holds are on it, each with one of these words."""

    def look() -> Any:
        found = hub.get("guards")["held"]
        whys = [one["why"] for one in found[0]["holds"]] if found else []
        fits = len(whys) == len(reasons) and all(any(word in why for why in whys) for word in reasons)
        return found[0] if fits else None

    return str(eventually(look)["remediation_id"])


def test_what_is_held_runs_when_each_hold_is_over_or_passed_and_not_before(start: Start, folder: Path) -> None:
    calendars = folder / "calendars"
    calendars.mkdir(parents=True)
    for name in ("migration", "inventory"):
        (calendars / f"{name}.ics").write_text(FREEZE.format(name=name))
    hub = start(change=STANDARD)
    assert hub.act("guards/stop", {"scope": "all", "reason": "fire drill"}).status_code == 200
    hub.post(triggered())
    id_ = held(hub, "fire drill", "migration", "inventory")
    (calendars / "migration.ics").unlink()
    held(hub, "fire drill", "inventory")
    assert hub.act(f"remediations/{id_}/override", {"reason": "the shop is down"}).status_code == 200
    held(hub, "fire drill")
    assert (hub.runs(), hub.changes()) == (0, [])
    assert hub.act("guards/lift", {"scope": "all", "reason": "it is over"}).status_code == 200
    ended = hub.remediation()
    assert (ended["outcome"], hub.runs()) == ("proved", 1)
    said = [line["act"] for line in ended["timeline"]]
    assert said.index("held") < said.index("overridden") < said.index("prepared")
    notes = [one["body"].get("headline", "") for one in ended["write_backs"]]
    assert "Firstline was told to go on past what held it" in notes
    assert hub.get("guards")["locks"] == []
