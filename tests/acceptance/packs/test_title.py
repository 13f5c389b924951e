"""What a mapping takes from a title for its runbook, beside the host."""

from typing import Any

import pytest
from tests.acceptance.packs.conftest import PACKS

from firstline.incident import Event, Incident, Reference
from firstline.mapping import Matcher, load_packs

MATCHER = Matcher(load_packs(PACKS).mappings)


def inputs(title: str) -> dict[str, Any]:
    reference = Reference(connection="pagerduty", kind="incident", id="Q1")
    incident = Incident(reference=reference, title=title)
    told = {"id": "e", "type": "incident.opened", "reference": reference, "occurred_at": "2026-11-23T04:00:00Z"}
    decision = MATCHER.decide(Event.model_validate(told | {"incident": incident}), environment="prod")
    assert decision.outcome == "matched", decision
    return dict(decision.inputs)


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Disk /data on web-3 is 97 % full", "/data"),
        ("Problem: Linux: FS [/srv/db]: Space is critically low on web-3", "/srv/db"),
        ("DISK CRITICAL on web-3 - free space: / 121 MB (2%)", "/"),
        ("NodeFilesystemAlmostOutOfSpace (/dev/sda1 ext4 web-3:9100 /var/lib critical)", "/var/lib"),
        ("Disk full on web-3, see https://grafana.example.com/d/1", "/var/log"),
        ("Disk full on web-3; cat /etc/shadow;", "/var/log"),
        ("Disk full on web-3 /$(reboot)", "/var/log"),
    ],
)
def test_a_full_file_system_is_the_one_that_the_title_names(title: str, path: str) -> None:
    assert inputs(title)["path"] == path
    assert inputs(title)["folder"] == "/var/log"
