"""The API: described, closed without a token, and clear in its refusals."""

import re
from typing import Any

import pytest
from tests.integration.hub.conftest import STANDARD, Running, Start, triggered

from firstline.access import Right, make_token
from firstline.testing.loopback import ask
from firstline.testing.patience import eventually

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def hub(start: Start) -> Running:
    return start(mode="approve", change=STANDARD)


def described(hub: Running) -> dict[str, Any]:
    found: dict[str, Any] = ask("GET", f"{hub.url}/api/openapi.json").json()
    return found


def test_every_answer_of_the_api_is_described_and_says_it_needs_a_token(hub: Running) -> None:
    api = described(hub)
    assert "HTTPBearer" in api["components"]["securitySchemes"]
    for path, methods in api["paths"].items():
        for method, operation in methods.items() if path.startswith("/api/v1/") else ():
            assert operation["security"] == [{"HTTPBearer": []}], (method, path)
            assert operation["description"], (method, path)


def test_no_route_answers_without_a_token(hub: Running) -> None:
    for path, methods in described(hub)["paths"].items():
        for method in methods if path.startswith("/api/v1/") else ():
            answer = ask(method, hub.url + re.sub(r"{\w+}", "x", path))
            assert answer.status_code == 401, (method, path)


def test_what_is_not_there_is_answered_404(hub: Running) -> None:
    for path in ("deliveries/x", "remediations/x", "connections/x/check"):
        answer = ask("GET", f"{hub.url}/api/v1/{path}", headers={"Authorization": f"Bearer {hub.token}"})
        assert answer.status_code == 404, path
    for path in ("approvals/x/approve", "approvals/x/refuse", "connections/x/resume"):
        assert hub.act(path).status_code == 404, path


def test_who_may_only_see_approves_nothing(hub: Running) -> None:
    hub.post(triggered())
    (asked,) = eventually(lambda: hub.get("approvals?state=waiting")["items"])
    seeing = hub.hub.database.write_now(lambda c: make_token(c, "bo", [Right.SEE]))
    answer = ask(
        "POST",
        f"{hub.url}/api/v1/approvals/{asked['id']}/approve",
        headers={"Authorization": f"Bearer {seeing}"},
    )
    assert answer.status_code == 403
    assert "bo may not approve" in answer.json()["detail"]
    assert hub.runs() == 0


def test_a_list_is_read_page_by_page_newest_first(hub: Running) -> None:
    for number in range(5):
        hub.post(triggered(number + 1, title="a question"), key=f"d{number}")
    eventually(lambda: len(hub.get("events")["items"]) == 5)
    first = hub.get("events?limit=3")
    second = hub.get(f"events?limit=3&before={first['next']}")
    ids = [one["event_id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), second["next"]) == (5, None)
