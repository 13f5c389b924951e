"""The plan that people are shown beforehand is the one that is asked about, to the last byte."""

import json

import pytest
from tests.integration.course.folder import NORMAL, SERVICENOW, STANDARD
from tests.integration.course.stage import Make
from typer.testing import CliRunner

from firstline.cli import command_line

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("change", [STANDARD, NORMAL])
async def test_the_command_line_shows_the_digest_that_the_hub_asks_about(stage: Make, change: str) -> None:
    shop = await stage(SERVICENOW, mode="approve", change=change, mapping="    approval: {by: [ann]}")
    await shop.incident()
    event = {"id": "e", "type": "incident.opened", "occurred_at": "2026-11-23T06:00:00Z"}
    path = shop.folder / "event.json"
    path.write_text(json.dumps({**event, "incident": shop.row()["incident"]}))
    ended = CliRunner().invoke(command_line("plan"), ["plan", str(path), "--folder", str(shop.folder), "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.output)["digest"] == shop.row()["plan_digest"]
