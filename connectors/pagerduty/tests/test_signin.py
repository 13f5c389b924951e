"""Signing in: with a key, or as an app that fetches its tokens."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import Note, SandboxSettings
from firstline.errors import Rejected, Unauthorized, Unavailable
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]
SCOPES = ["incidents.read", "incidents.write"]
NOTE = Note(key="k", headline="h", tried=False)


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    return seed | {
        "token": "another",
        "oauth_client_id": "app-1",
        "oauth_client_secret": "the-app-secret",
        "oauth_scopes": SCOPES,
    }


@pytest.fixture
def app(connect: Connect, sandbox: Any) -> Callable[..., PagerDutyConnector]:
    def make(**settings: Any) -> PagerDutyConnector:
        given = {
            "token": None,
            "oauth_client_id": "app-1",
            "oauth_client_secret": "the-app-secret",
            "oauth_scope": " ".join(["as_account-us.acme", *SCOPES]),
            "oauth_url": sandbox.address,
        }
        return connect(**({"base_url": sandbox.address} | given | settings))

    return make


async def test_an_app_reads_and_writes_with_one_token(app: Connect, sandbox: Any, reference: Reference) -> None:
    connector = app()
    await connector.fetch(reference)
    await connector.write_note(reference, NOTE)
    sent, _ = connector.meter.take()
    assert sent == 3  # the token, and one each
    assert len((await sandbox.incident())["notes"]) == 1


async def test_a_token_that_was_revoked_is_replaced_once_and_the_write_made_once(
    app: Connect, sandbox: Any, reference: Reference
) -> None:
    connector = app()
    await connector.fetch(reference)
    await sandbox.request("DELETE", "/sandbox/tokens")
    await connector.write_note(reference, NOTE)
    assert len((await sandbox.incident())["notes"]) == 1


async def test_a_token_is_not_used_to_its_very_end(
    app: Connect, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = app()
    await connector.fetch(reference)
    later = time.monotonic() + 86_400 - 30
    monkeypatch.setattr("firstline_pagerduty.signin.monotonic", lambda: later)
    connector.meter.take()
    await connector.fetch(reference)
    assert connector.meter.take()[0] == 2


async def test_a_scope_that_the_app_lacks_is_refused_by_the_vendor(app: Connect, reference: Reference) -> None:
    with pytest.raises(Rejected, match="Access Denied"):
        await app(oauth_scope="as_account-us.acme incidents.read").write_note(reference, NOTE)


async def test_an_app_with_a_wrong_secret_is_unauthorized_and_the_secret_not_shown(
    app: Connect, reference: Reference
) -> None:
    with pytest.raises(Unauthorized) as caught:
        await app(oauth_client_secret="a-wrong-secret").fetch(reference)
    assert "a-wrong-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([(401, {})], Unauthorized),
        ([(400, {"error": "invalid_request"})], Unauthorized),
        ([(503, {})], Unavailable),
        ([(200, {})], Unavailable),
        ([(200, [])], Unavailable),
        ([(200, {"access_token": "t", "expires_in": 9}), (401, {})], Unauthorized),
    ],
)
async def test_a_sign_in_that_fails_says_what_happens_next(
    app: Connect, loopback: Any, vendor: Any, reference: Reference, answers: list[Any], error: type[Exception]
) -> None:
    fake = vendor(*answers)
    address = loopback(fake)
    with pytest.raises(error):
        await app(base_url=address, oauth_url=address).fetch(reference)
    assert len(fake.asked) <= 4


async def test_a_key_that_is_refused_is_not_tried_again(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    fake = vendor((401, {}))
    with pytest.raises(Unauthorized):
        await connect(loopback(fake)).fetch(reference)
    assert len(fake.asked) == 1


async def test_a_sandbox_without_an_app_gives_no_token(connect: Connect, loopback: Any, reference: Reference) -> None:
    address = loopback(create_app(SandboxSettings()))
    app = {"token": None, "oauth_client_id": "a", "oauth_client_secret": "b", "oauth_scope": "as_account-us.acme"}
    with pytest.raises(Unauthorized):
        await connect(address, **app, oauth_url=address).fetch(reference)
