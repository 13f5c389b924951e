"""Bad input: each kind gets the right answer, and loses nothing."""

import hashlib
import json
from typing import Any

import pytest
from tests.integration.hub.conftest import Running, Start, both_databases, triggered

from firstline.connector import Delivery
from firstline.testing.loopback import ask
from firstline.testing.patience import eventually

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what does not reach the database


def parked(hub: Running) -> Any:
    return eventually(lambda: hub.get("deliveries?state=parked")["items"])


@on_sqlite
def test_an_unsigned_webhook_is_answered_401_and_not_stored(start: Start) -> None:
    hub = start()
    answer = ask("POST", f"{hub.url}/hooks/pagerduty", content=triggered())
    assert answer.status_code == 401
    assert hub.get("deliveries")["items"] == []


@on_sqlite
def test_a_wrongly_signed_webhook_is_answered_401_and_not_stored(start: Start) -> None:
    hub = start()
    assert hub.post(triggered(), secret="another").status_code == 401
    assert hub.get("deliveries")["items"] == []


@on_sqlite
def test_a_webhook_for_an_unknown_connection_is_answered_404(start: Start) -> None:
    assert ask("POST", f"{start().url}/hooks/absent", content=b"{}").status_code == 404


@on_sqlite
def test_a_body_over_five_mebibytes_is_answered_413(start: Start) -> None:
    hub = start()
    assert hub.post(b"x" * (5 * 1024 * 1024 + 1)).status_code == 413
    assert hub.post(b"x" * (5 * 1024 * 1024)).status_code == 202


@on_sqlite
def test_a_body_over_the_limit_that_does_not_say_its_length_is_answered_413(start: Start) -> None:
    hub = start()
    chunks = (b"x" * 65_536 for _ in range(100))
    answer = ask("POST", f"{hub.url}/hooks/pagerduty", content=chunks)
    assert answer.status_code == 413


@on_sqlite
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"event": 7}',
        b'{"event": {"event_type": "incident.triggered"}}',
    ],
)
def test_a_signed_body_of_no_use_is_accepted_and_parked_with_the_reason(start: Start, body: bytes) -> None:
    hub = start()
    assert hub.post(body).status_code == 202
    (delivery,) = parked(hub)
    assert delivery["reason"]
    assert hub.get("events")["items"] == []


def test_an_unknown_type_of_event_is_kept_and_starts_nothing(start: Start) -> None:
    hub = start()
    body = triggered().replace(b"incident.triggered", b"incident.something_new")
    assert hub.post(body).status_code == 202
    (event,) = eventually(lambda: hub.get("events")["items"])
    assert event["type"] == "other"
    assert hub.get("remediations")["items"] == []


@on_sqlite
def test_a_parked_delivery_does_not_hold_the_next(start: Start) -> None:
    hub = start()
    hub.post(b"not json", key="a")
    hub.post(triggered(), key="b")
    assert hub.remediation()["outcome"] == "proved"


@both_databases
def test_a_title_of_20000_characters_is_worked_on(start: Start) -> None:
    hub = start()
    hub.post(triggered(title="shop does not answer " + "x" * 20_000))
    assert hub.remediation()["outcome"] == "proved"


@on_sqlite
@pytest.mark.parametrize("field", ["service", "priority", "escalation_policy", "assignees", "teams"])
def test_null_where_an_object_is_usual_is_no_trouble(start: Start, field: str) -> None:
    hub = start()
    absent: dict[str, Any] = {field: None}
    hub.post(triggered(**absent))
    assert eventually(lambda: hub.get("decisions")["items"])[0]["outcome"] in ("matched", "error")
    assert hub.get("deliveries?state=parked")["items"] == []


@both_databases
def test_a_late_event_does_not_overwrite_a_newer_view(start: Start) -> None:
    hub = start(mode="observe")
    newer = json.loads(triggered(title="the newer title"))
    newer["event"] |= {"event_type": "incident.priority_updated", "occurred_at": "2026-03-01T13:00:00+00:00"}
    older = json.loads(triggered(title="the older title"))
    older["event"] |= {"event_type": "incident.priority_updated", "occurred_at": "2026-03-01T13:30:00+01:00"}
    hub.post(json.dumps(newer).encode(), key="a")
    hub.post(json.dumps(older).encode(), key="b")
    eventually(lambda: len(hub.get("events")["items"]) == 2)
    assert [one["title"] for one in hub.views()] == ["the newer title"]


@on_sqlite
def test_a_mistake_in_a_mapping_leaves_the_running_hub_on_the_last_good_version(start: Start) -> None:
    hub = start()
    mapping = hub.hub.settings.mappings / "shop" / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("runbook: mend", "runbook: absent"))
    ready = eventually(lambda: found if (found := ask("GET", f"{hub.url}/readyz").json())["errors"] else None)
    assert "mapping.yaml:5:" in ready["errors"][0]
    hub.post(triggered())
    assert hub.remediation()["outcome"] == "proved"


@both_databases
def test_what_the_database_cannot_keep_is_parked_and_holds_nothing_else(start: Start) -> None:
    hub = start()
    pagerduty = hub.hub.connections["pagerduty"]
    translate = pagerduty.translate

    def half_a_pair(delivery: Delivery) -> Any:
        """As JSON may say it: an escape that is no character, and that no database keeps."""
        events = translate(delivery)
        odd = delivery.key == "odd"
        return [
            event.model_copy(update={"data": {"title": "\ud800"}, "id": "\ud800"}) if odd else event for event in events
        ]

    pagerduty.translate = half_a_pair
    hub.post(triggered(2), key="odd")
    hub.post(triggered(1), key="well")
    assert hub.remediation()["outcome"] == "proved"


@both_databases
def test_a_dedupe_key_of_any_length_holds_nothing(start: Start) -> None:
    hub = start()
    mapping = hub.hub.settings.mappings / "shop" / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace("incident.service", "incident.title"))
    hub.hub.decider.declarations = hub.hub.declared.load()
    long = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(300))
    hub.post(triggered(2, title=f"shop does not answer {long}"), key="a")
    hub.post(triggered(1), key="b")
    eventually(lambda: not hub.get("deliveries?state=new")["items"])
    assert hub.remediation()["incident"]["title"] == "shop does not answer"


@both_databases
def test_a_nul_in_what_a_vendor_says_is_no_trouble(start: Start) -> None:
    hub = start()
    body = json.loads(triggered(title="shop does not answer \x00"))
    body["event"]["id"] = "odd\x00"
    hub.post(json.dumps(body).encode())
    assert hub.remediation()["outcome"] == "proved"
    assert "items" in hub.get("remediations?before=%00")


@on_sqlite
def test_a_cookie_does_not_approve_whatever_else_a_browser_adds_by_itself(start: Start) -> None:
    hub = start(mode="approve")
    hub.post(triggered())
    (asked,) = eventually(lambda: hub.get("approvals")["items"])
    answer = ask(
        "POST",
        f"{hub.url}/api/v1/approvals/{asked['id']}/approve",
        auth=("ada", "proxy-password"),
        cookies={"firstline": hub.token},
    )
    assert answer.status_code == 403
    assert hub.get("approvals")["items"][0]["state"] == "waiting"
