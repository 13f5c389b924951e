"""What an administrator is told to do, and that doing it works on the stand-in."""

from typing import Any

import pytest
from connectors.servicenow.tests.stage import PASSWORD

from firstline_servicenow import instruction

pytestmark = pytest.mark.anyio

BASE = "https://example.service-now.com"
HOOK = "https://firstline.example/hooks/servicenow-prod"


async def test_the_instructions_hold_the_address_and_both_scripts_as_shipped(connect: Any) -> None:
    made = await connect(BASE).connect(HOOK)
    assert (made.state, made.id, made.expires_at) == ("manual", "", None)
    assert f"firstline.hook.url         {HOOK}" in made.instructions
    for name in ("business_rule.js", "script_action.js"):
        assert instruction.script(name) in made.instructions
    assert "firstline.hook.fields " not in made.instructions.partition("-----")[0]


async def test_no_secret_stands_in_the_instructions(connect: Any) -> None:
    connector = connect(BASE, webhook_secrets=["the-webhook-secret"])
    text = (await connector.connect(HOOK)).instructions
    assert "the-webhook-secret" not in text
    assert PASSWORD not in text


async def test_a_rule_is_named_for_each_table_with_its_conditions_and_fields(connect: Any) -> None:
    connector = connect(
        BASE,
        tables=["incident", "sc_task", "sysapproval_approver"],
        filters={"incident": "priorityIN1,2"},
        extra_fields=["u_site"],
        links={"u_jira": "jira"},
    )
    text = (await connector.connect(HOOK)).instructions
    assert "incident, with the filter conditions priorityIN1,2" in text
    assert "\n     sc_task\n" in text
    meant = "sysapproval_approver, with the filter conditions sysapproval.sys_class_name=change_request\n"
    assert meant in text
    assert "firstline.hook.fields      u_site u_jira" in text


async def test_it_asks_the_instance_nothing(connect: Any) -> None:
    connector = connect("http://127.0.0.1:9")
    await connector.connect(HOOK)
    assert connector.meter.take()[0] == 0
