"""The way of an event, whole: from the webhook to the closed change."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hub.conftest import STANDARD, Start, both_databases, triggered

from firstline.errors import Unavailable
from firstline.testing.patience import eventually


@both_databases
def test_a_fault_is_mended_under_a_change_and_the_ticket_tells_it(start: Start) -> None:
    hub = start(change=STANDARD)
    assert hub.post(triggered()).status_code == 202
    remediation = hub.remediation()
    assert remediation["outcome"] == "proved"
    assert hub.runs() == 1
    incident = hub.incident()
    assert incident["status"] == "resolved"
    assert len(incident["notes"]) == 1
    assert "mended, and proved" in incident["notes"][0]["content"]
    assert "mended it" in incident["notes"][0]["content"]
    (change,) = hub.changes()
    assert (change["state"], change["close_code"]) == ("3", "successful")
    assert change["number"] in incident["notes"][0]["content"]


def test_a_fix_that_is_not_proved_is_rolled_back_diagnosed_and_escalated(start: Start) -> None:
    hub = start(change=STANDARD, extra="true")
    hub.post(triggered())
    remediation = hub.remediation()
    assert remediation["outcome"] == "failed"
    assert (hub.marks / "rolled-back").exists()
    incident = hub.incident()
    assert incident["status"] == "triggered"
    assert incident["escalation_level"] == 2
    assert "the diagnosis" in incident["notes"][0]["content"]
    (change,) = hub.changes()
    assert (change["state"], change["close_code"]) == ("3", "unsuccessful")


def test_a_step_that_fails_ends_the_steps_and_says_so(start: Start) -> None:
    hub = start(extra="echo no permission >&2; exit 3")
    hub.post(triggered())
    remediation = hub.remediation()
    assert remediation["outcome"] == "failed"
    assert "mend on shop failed: exit status 3: no permission" in remediation["reason"]
    assert "no permission" in hub.incident()["notes"][0]["content"]


def test_a_runbook_that_only_reads_needs_no_change_and_resolves_nothing(start: Start) -> None:
    hub = start()
    hub.post(triggered())
    assert hub.remediation()["outcome"] == "proved"
    assert hub.changes() == []
    assert hub.incident()["status"] == "triggered"
    assert "diagnosed" in hub.incident()["notes"][0]["content"]


def test_mode_observe_decides_and_does_nothing(start: Start) -> None:
    hub = start(mode="observe")
    hub.post(triggered())
    (decision,) = eventually(lambda: hub.get("decisions")["items"])
    assert (decision["outcome"], decision["mode"], decision["remediation_id"]) == ("matched", "observe", None)
    assert hub.get("remediations")["items"] == []
    assert hub.incident()["notes"] == []


def test_mode_suggest_says_so_on_the_ticket_and_runs_nothing(start: Start) -> None:
    hub = start(mode="suggest", change=STANDARD)
    hub.post(triggered())
    assert hub.remediation()["outcome"] == "suggested"
    assert "suggests" in hub.incident()["notes"][0]["content"]
    assert hub.runs() == 0
    assert hub.changes() == []


@both_databases
def test_mode_approve_waits_for_a_person_and_then_runs_the_plan(start: Start) -> None:
    hub = start(mode="approve", change=STANDARD)
    hub.post(triggered())
    (asked,) = eventually(lambda: hub.get("approvals?state=waiting")["items"])
    assert hub.runs() == 0
    assert hub.changes() == []
    assert eventually(lambda: hub.incident()["notes"])[0]["content"].startswith("Firstline asks")
    assert hub.act(f"approvals/{asked['id']}/approve").status_code == 200
    remediation = hub.remediation()
    assert (remediation["outcome"], remediation["approved_by"]) == ("proved", "ada")
    assert hub.runs() == 1
    assert "Approved by: ada" in hub.incident()["notes"][1]["content"]


@both_databases
def test_a_question_is_answered_once(start: Start) -> None:
    hub = start(mode="approve")
    hub.post(triggered())
    (asked,) = eventually(lambda: hub.get("approvals?state=waiting")["items"])
    assert hub.act(f"approvals/{asked['id']}/refuse", {"comment": "not now"}).status_code == 200
    again = hub.act(f"approvals/{asked['id']}/approve")
    assert again.status_code == 409
    assert "refused already by ada" in again.json()["detail"]
    assert hub.remediation()["outcome"] == "refused"
    assert hub.runs() == 0


def test_an_event_that_matches_nothing_is_decided_with_the_clause_that_failed(start: Start) -> None:
    hub = start()
    hub.post(triggered(title="a question"))
    (decision,) = eventually(lambda: hub.get("decisions")["items"])
    assert decision["outcome"] == "nothing"
    assert 'incident.title.contains("does not answer")' in str(decision["trace"])


def test_the_same_fault_attaches_to_the_remediation_that_is_active(start: Start) -> None:
    hub = start(mode="approve")
    hub.post(triggered(1), key="a")
    hub.post(triggered(2), key="b")
    decisions = eventually(lambda: found if len(found := hub.get("decisions")["items"]) == 2 else None)
    assert [one["outcome"] for one in decisions] == ["attached", "matched"]
    assert decisions[0]["remediation_id"] == decisions[1]["remediation_id"]
    assert len(hub.get("approvals")["items"]) == 1


@both_databases
def test_a_redelivery_and_a_second_telling_of_the_same_happening_run_nothing_twice(start: Start) -> None:
    hub = start()
    for key in ("a", "a", "b"):
        assert hub.post(triggered(), key=key).status_code == 202
    hub.remediation()
    eventually(lambda: not hub.get("deliveries?state=new")["items"])
    assert len(hub.get("deliveries")["items"]) == 2
    assert len(hub.get("events")["items"]) == 1
    assert hub.runs() == 1


def test_an_echo_of_our_own_write_starts_nothing(start: Start) -> None:
    hub = start()
    agent = {
        "id": "PFIRSTL",
        "type": "user_reference",
        "summary": "Firstline",
        "self": "https://x",
        "html_url": "https://x",
    }
    hub.hub.connections["pagerduty"].settings.__dict__["own_user_id"] = "PFIRSTL"
    body = triggered().replace(b'"agent": null', b'"agent": ' + __import__("json").dumps(agent).encode())
    hub.post(body)
    (event,) = eventually(lambda: hub.get("events")["items"])
    assert event["own"]
    assert hub.get("decisions")["items"] == []


def test_a_step_whose_program_is_missing_has_failed_and_what_ran_before_is_rolled_back(start: Start) -> None:
    hub = start(extra="chmod -x /nowhere; exec /no/such/program")
    hub.post(triggered())
    assert hub.remediation()["outcome"] == "failed"
    assert (hub.marks / "rolled-back").exists()


def test_a_before_check_that_does_not_hold_ends_it_without_a_change(start: Start) -> None:
    hub = start(change=STANDARD, before='["test", "-e", "/no/such/file"]')
    hub.post(triggered())
    assert hub.remediation()["outcome"] == "not_needed"
    assert (hub.runs(), hub.changes()) == (0, [])


def test_a_before_check_that_cannot_be_looked_at_does_not_say_the_fault_is_gone(start: Start) -> None:
    hub = start(change=STANDARD, before='["no-such-program"]')
    hub.post(triggered())
    remediation = hub.remediation()
    assert remediation["outcome"] == "stopped"
    assert "could not be looked at" in remediation["reason"]
    assert (hub.runs(), hub.changes()) == (0, [])


def test_a_change_that_an_earlier_turn_opened_is_canceled_when_the_fault_is_gone_by_then(
    start: Start, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    hub = start(change=STANDARD, before=f'["test", "!", "-e", "{gone}"]')

    async def too_busy(*_: Any) -> None:
        gone.touch()
        raise Unavailable("too busy", retry_after=0)

    hub.hub.connections["servicenow"].move, move = too_busy, hub.hub.connections["servicenow"].move
    hub.post(triggered())
    eventually(gone.exists)
    hub.hub.connections["servicenow"].move = move
    assert hub.remediation()["outcome"] == "not_needed"
    assert [one["state"] for one in hub.changes()] == ["4"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_hub_that_starts_proves_soon_what_it_has(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only an hour later: it may have been restarted by then."""
    monkeypatch.setattr("firstline.hub.PROOF", timedelta(0))
    monkeypatch.setattr("firstline.intake.reconcile.SETTLED", timedelta(0))
    hub = start()
    (proof,) = eventually(lambda: hub.get("connections/pagerduty/reconciliations")["items"])
    assert proof["connection"] == "pagerduty"
