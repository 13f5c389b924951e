"""A broken neighbour: work waits and goes on, and the others do not notice."""

from typing import Any

from tests.integration.hub.conftest import STANDARD, Running, Start, both_databases, triggered

from firstline.testing.loopback import ask
from firstline.testing.patience import eventually


def trouble(hub: Running, **how: Any) -> None:
    """ServiceNow's sandbox answers the next requests so; the hub's own look at its start has gone through before."""
    eventually(lambda: all(one["findings"] is not None for one in hub.get("connections")))
    ask("POST", f"{hub.servicenow}/sandbox/trouble", json=how).raise_for_status()


@both_databases
def test_a_register_that_is_down_delays_the_run_and_gets_one_change(start: Start) -> None:
    hub = start(change=STANDARD)
    trouble(hub, status=503, times=2)
    hub.post(triggered())
    remediation = hub.remediation()
    assert remediation["outcome"] == "proved"
    assert any(line["act"] == "waits" and "503" in line["text"] for line in remediation["timeline"])
    assert (hub.runs(), len(hub.changes())) == (1, 1)


def test_a_rate_limit_is_waited_out_as_long_as_the_vendor_asks(start: Start) -> None:
    hub = start(change=STANDARD)
    trouble(hub, status=429, times=1, retry_after=2)
    hub.post(triggered())
    remediation = hub.remediation()
    (waits,) = [line["text"] for line in remediation["timeline"] if line["act"] == "waits"]
    assert waits.startswith("Tried again in 2 s")
    assert (hub.runs(), len(hub.changes())) == (1, 1)


def test_nothing_runs_while_the_register_is_down(start: Start) -> None:
    hub = start(change=STANDARD)
    trouble(hub, status=503, times=10_000)
    hub.post(triggered())
    eventually(lambda: any(hub.get("remediations")["items"][:1]) and _waits(hub))
    assert hub.runs() == 0


def test_a_refused_sign_in_pauses_the_connection_until_a_person_resumes_it(start: Start) -> None:
    hub = start(change=STANDARD)
    trouble(hub, status=401, times=10_000)
    hub.post(triggered())
    (paused,) = eventually(lambda: [one for one in hub.get("connections") if one["paused_at"]])
    assert paused["name"] == "servicenow"
    assert "401" in paused["reason"]
    assert hub.runs() == 0
    trouble(hub, status=401, times=0)
    assert hub.act("connections/servicenow/resume").status_code == 202
    assert hub.remediation()["outcome"] == "proved"
    assert (hub.runs(), len(hub.changes())) == (1, 1)


def test_a_paused_register_is_not_asked_again_by_the_next_incident(start: Start) -> None:
    hub = start(change=STANDARD)
    trouble(hub, status=401, times=10_000)
    hub.post(triggered(1), key="a")
    eventually(lambda: [one for one in hub.get("connections") if one["paused_at"]])
    before = hub.state("servicenow")["requests"]["total"]
    hub.post(triggered(2, service={"summary": "another", "id": "PX", "type": "service_reference"}), key="b")
    eventually(lambda: sum("is paused" in one["reason"] for one in hub.get("remediations")["items"]))
    assert hub.state("servicenow")["requests"]["total"] == before


def test_a_change_the_register_refuses_stops_the_remediation_and_tells_a_person(start: Start) -> None:
    hub = start(change='{type: standard, template: "No such template"}')
    hub.post(triggered())
    remediation = hub.remediation()
    assert remediation["outcome"] == "stopped"
    assert "No such template" in remediation["reason"]
    assert hub.runs() == 0
    assert "could not run" in hub.incident()["notes"][0]["content"]
    assert hub.incident()["escalation_level"] == 2


def _waits(hub: Running) -> bool:
    (found,) = hub.get("remediations")["items"]
    whole = hub.get(f"remediations/{found['id']}")
    return any(line["act"] == "waits" for line in whole["timeline"])
