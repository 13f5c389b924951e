"""What the doctor says of a connection."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from connectors.servicenow.tests.stage import SEED

from firstline.connector import Finding
from firstline.meter import Quota
from firstline_servicenow import check

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 22, 21, 5, tzinfo=UTC)


def bad(findings: list[Finding]) -> dict[str, Finding]:
    """What is wrong, by subject; each with its mend."""
    found = {finding.subject: finding for finding in findings if not finding.ok}
    assert all(finding.mend for finding in found.values())
    return found


async def test_a_good_connection_is_well_with_few_requests(connect: Any, address: str) -> None:
    connector = connect(address)
    findings = await connector.check()
    assert bad(findings) == {}
    subjects = {"TLS", "address and sign-in", "clock", "time zone", "rights", "incident", "incident states", "webhook"}
    assert subjects <= {finding.subject for finding in findings}
    assert connector.meter.take()[0] <= 20


async def test_a_wrong_password_is_found_with_its_mend_and_nothing_more_is_asked(connect: Any, address: str) -> None:
    connector = connect(address, password="wrong")
    found = bad(await connector.check())
    assert list(found) == ["address and sign-in"]
    assert "password" in found["address and sign-in"].mend
    assert connector.meter.take()[0] == 1


async def test_plain_http_is_a_fault_beyond_this_machine_only(connect: Any) -> None:
    assert check.transport("https://example.service-now.com").ok
    assert check.transport("http://localhost:9001").ok
    assert "https" in check.transport("http://example.service-now.com").mend


async def test_rows_that_access_rules_hide_are_found_with_their_mend(connect: Any, start: Any) -> None:
    entry = {"name": "incident", "element": "work_notes", "element_id": "a" * 32, "value": "seen"}
    address = start(sys_journal_field=[entry], rules={"hidden": {"sys_journal_field": ""}})
    found = bad(await connect(address).check())
    assert list(found) == ["sys_journal_field"]
    assert "written twice" in found["sys_journal_field"].mend


@pytest.mark.parametrize(
    ("roles", "word"), [(["itil", "change_manager"], "change_manager"), (["sn_change_write"], "itil")]
)
async def test_roles_too_many_and_too_few_are_found(connect: Any, start: Any, roles: list[str], word: str) -> None:
    users = [user | ({"roles": roles} if user["user_name"] == "firstline" else {}) for user in SEED["users"]]
    found = bad(await connect(start(users=users)).check())
    assert list(found) == ["rights"]
    assert word in found["rights"].mend


async def test_an_account_whose_times_are_read_in_its_own_zone_is_found(connect: Any, start: Any) -> None:
    zone = {"time_zone": "US/Pacific"}
    users = [user | (zone if user["user_name"] == "firstline" else {}) for user in SEED["users"]]
    found = bad(await connect(start(users=users)).check())
    assert list(found) == ["time zone"]
    assert "GMT" in found["time zone"].mend


async def test_somebody_elses_key_is_found_before_our_own_writes_come_back_as_news(connect: Any, start: Any) -> None:
    address = start(api_keys=[{"key": "k", "user": "david.loo"}])
    found = bad(await connect(address, password=None, api_key="k").check())
    assert "david.loo" in found["address and sign-in"].message


async def test_a_close_code_that_is_none_is_found_with_those_that_are(connect: Any, address: str) -> None:
    found = bad(await connect(address, close_code="Solved").check())
    assert list(found) == ["incident resolving"]
    assert "Solution provided" in found["incident resolving"].mend


async def test_states_that_were_renumbered_are_found_and_added_ones_told(connect: Any, start: Any) -> None:
    def choices(*values: str) -> list[dict[str, str]]:
        return [{"name": "incident", "element": "state", "value": value, "label": f"S{value}"} for value in values]

    renumbered = start(sys_choice=choices("1", "2", "9"))
    found = bad(await connect(renumbered).check())
    assert list(found) == ["incident states"]
    assert "no state 6" in found["incident states"].message
    assert bad(await connect(renumbered, resolve={"incident": {"state": "9"}}).check()) == {}
    added = await connect(start(sys_choice=choices("1", "2", "6", "10"))).check()
    assert any("10 S10" in finding.message for finding in added if finding.subject == "incident states")
    assert bad(added) == {}


async def test_a_state_of_changes_that_nobody_explained_is_found(connect: Any, start: Any) -> None:
    added = {"name": "change_request", "element": "state", "value": "-6", "label": "Peer review"}
    address = start(sys_choice=[added])
    tables = ["incident", "change_request", "sysapproval_approver"]
    found = bad(await connect(address, tables=tables).check())
    assert "-6 Peer review" in found["change_request states"].mend
    assert bad(await connect(address, tables=tables, change_states={"-6": "assess"}).check()) == {}


async def test_schedules_that_cant_be_read_are_found_unless_there_are_none(connect: Any, start: Any) -> None:
    address = start(cmn_schedule_blackout=[{"name": "Freeze"}], rules={"hidden": {"cmn_schedule_blackout": ""}})
    assert list(bad(await connect(address).check())) == ["cmn_schedule_blackout"]
    assert bad(await connect(address, collision_detector=False).check()) == {}


async def test_a_field_that_a_data_policy_demands_on_resolving_is_found(connect: Any, start: Any) -> None:
    policy = {"sys_id": "e" * 32, "model_table": "incident", "conditions": "state=6^ORstate=7^EQ"}
    rule = {"sys_data_policy": "e" * 32, "field": "u_root_cause", "mandatory": "true"}
    address = start(columns={"incident": ["u_root_cause"]}, sys_data_policy2=[policy], sys_data_policy_rule=[rule])
    found = bad(await connect(address).check())
    assert "u_root_cause" in found["incident resolving"].mend
    given = {"incident": {"u_root_cause": "{reason}"}}
    assert bad(await connect(address, resolve=given).check()) == {}


async def test_a_business_rule_that_sleeps_is_found(connect: Any, start: Any) -> None:
    rules = [{"name": "Firstline: tell of saves", "collection": "incident", "active": "false"}]
    found = bad(await connect(start(sys_script=rules)).check())
    assert "activate" in found["webhook"].mend


async def test_html_notes_need_the_instances_leave(connect: Any, start: Any) -> None:
    forbidden = [{"name": "glide.ui.security.allow_codetag", "value": "false"}]
    found = bad(await connect(start(sys_properties=forbidden), html_notes=True).check())
    assert "html_notes" in found["HTML notes"].mend
    assert bad(await connect(start(), html_notes=True).check()) == {}


async def test_a_limit_that_is_too_low_for_polling_is_found(connect: Any, start: Any) -> None:
    found = bad(await connect(start(rules={"limit": 100})).check())
    assert list(found) == ["API budget"]
    assert check.budget(Quota(limit=500), 1).ok
    assert not check.budget(Quota(limit=500), 6).ok


@pytest.mark.parametrize(("seconds", "ok"), [(0, True), (60, True), (61, False), (-90, False)])
def test_a_clock_more_than_a_minute_off_is_a_finding(seconds: int, ok: bool) -> None:
    assert check.clock(NOW, NOW + timedelta(seconds=seconds)).ok is ok


async def test_rules_that_the_account_may_not_read_are_no_fault(connect: Any, start: Any) -> None:
    hidden = dict.fromkeys(("sys_choice", "sys_user_has_role", "sys_data_policy_rule", "sys_script"), "")
    assert bad(await connect(start(rules={"hidden": hidden})).check()) == {}
