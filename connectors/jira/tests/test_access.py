"""Kinds of sign-in, and the count of requests."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from connectors.jira.tests.conftest import DATA_CENTER, settings

from firstline.connector import Note, SandboxSettings, StateChange
from firstline.errors import Unauthorized, Unavailable
from firstline.incident import Reference
from firstline.meter import Quota
from firstline_jira.connector import JiraConnector
from firstline_jira.quota import quota
from firstline_jira.sandbox import create_app
from firstline_jira.sandbox.account import CLIENT, CLOUD_ID, REFRESH_TOKEN

pytestmark = pytest.mark.anyio

Make = Callable[..., JiraConnector]


@pytest.fixture
def oauth(make: Make, address: str) -> Callable[..., JiraConnector]:
    def connect(**more: Any) -> JiraConnector:
        sign_in = {**CLIENT, "cloud_id": CLOUD_ID, "token_url": f"{address}/oauth/token", "api_url": address} | more
        return make(address, user="", api_token=None, oauth=sign_in)

    return connect


async def test_a_service_account_signs_in_by_its_client_credentials(
    oauth: Callable[..., JiraConnector], incident: Reference
) -> None:
    jira = oauth()
    assert (await jira.fetch(incident)).title == "The shop does not answer"
    await jira.write_note(incident, Note(key="n", headline="h"))
    await jira.set_state(incident, StateChange(to="resolved"))
    assert all(finding.ok for finding in await jira.check())


async def test_an_access_token_that_ended_is_renewed(
    oauth: Callable[..., JiraConnector], incident: Reference, site: httpx.AsyncClient
) -> None:
    """As Jira sees it: the hub took it for good for an hour, and each of the two clients meets a 401."""
    jira = oauth()
    await jira.fetch(incident)
    for use in (jira.fetch(incident), jira.write_note(incident, Note(key="n", headline="h", tried=False))):
        jira._rest._access.header = "Bearer ended"
        await use
    assert (await jira.fetch(incident)).title


async def test_many_at_once_share_one_token(oauth: Callable[..., JiraConnector], incident: Reference) -> None:
    jira = oauth()
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(jira.fetch, incident)
    assert jira.meter.take()[0] == 6


async def test_a_refresh_token_serves_once_and_its_successor_is_kept(
    oauth: Callable[..., JiraConnector], incident: Reference, tmp_path: Path
) -> None:
    file = tmp_path / "jira-token"
    file.write_text(REFRESH_TOKEN + "\n")
    for _ in range(3):  # each a restarted hub
        assert (await oauth(refresh_token_file=file).fetch(incident)).title
    assert file.read_text() != REFRESH_TOKEN
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("held", ["used-up", None])
async def test_a_refresh_token_that_is_no_good_asks_for_a_person(
    oauth: Callable[..., JiraConnector], incident: Reference, tmp_path: Path, held: str | None
) -> None:
    file = tmp_path / "jira-token"
    if held:
        file.write_text(held)
    with pytest.raises(Unauthorized):
        await oauth(refresh_token_file=file).fetch(incident)


async def test_wrong_client_credentials_ask_for_a_person_and_show_no_secret(
    oauth: Callable[..., JiraConnector], incident: Reference
) -> None:
    with pytest.raises(Unauthorized) as caught:
        await oauth(client_secret="quite-another-secret").fetch(incident)
    assert "quite-another-secret" not in str(caught.value)


async def test_a_token_address_that_is_not_there_is_unavailable(
    oauth: Callable[..., JiraConnector], incident: Reference
) -> None:
    with pytest.raises(Unavailable):
        await oauth(token_url="http://127.0.0.1:9/oauth/token").fetch(incident)


async def test_data_center_signs_in_by_a_personal_token(make: Make, server: str, incident: Reference) -> None:
    assert (await make(server, **DATA_CENTER).fetch(incident)).title
    with pytest.raises(Unauthorized):
        await make(server, **DATA_CENTER | {"personal_token": "another"}).fetch(incident)


def test_no_kind_of_sign_in_shows_its_secret() -> None:
    secret = "s3cret-of-somebody"
    kinds: list[dict[str, Any]] = [
        {"api_token": secret},
        {"deployment": "datacenter", "user": "", "api_token": None, "personal_token": secret},
        {"user": "", "api_token": None, "oauth": {"client_id": "c", "client_secret": secret, "cloud_id": CLOUD_ID}},
    ]
    for kind in kinds:
        found = settings("https://e.atlassian.net", **kind)
        assert secret not in repr(found) + found.model_dump_json()


# counting


async def test_a_request_that_got_no_answer_is_counted_too(make: Make, incident: Reference) -> None:
    jira = make("http://127.0.0.1:9", own_account_id="5b")
    for use in (jira.fetch(incident), jira.write_note(incident, Note(key="n", headline="h", tried=False))):
        with pytest.raises(Unavailable):
            await use
    assert jira.meter.take()[0] == 2


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
async def test_the_limit_is_learnt_from_both_clients_answers(
    make: Make, loopback: Callable[[Any], str], seed: dict[str, Any], incident: Reference, deployment: str
) -> None:
    trouble = {"requests": 10, "per": 3600}
    address = loopback(create_app(SandboxSettings(seed=seed | {"deployment": deployment, "trouble": trouble})))
    kinds: dict[str, dict[str, Any]] = {
        "cloud": {},
        "datacenter": DATA_CENTER,
    }
    jira = make(address, own_account_id="5b", **kinds[deployment])
    uses: list[Callable[[], Any]] = [
        lambda: jira.fetch(incident),
        lambda: jira.write_note(incident, Note(key="n", headline="h", tried=False)),
    ]
    for use in uses:
        await use()
        told = jira.meter.take()[1]
        assert told is not None
        assert (told.limit, told.window) == (10, 3600)
    for _ in range(8):
        await jira.fetch(incident)
    with pytest.raises(Unavailable) as caught:
        await jira.fetch(incident)
    assert caught.value.retry_after
    assert jira.meter.take()[1] is not None


HOUR = 3600.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "349"}, None),  # a second's burst of one address
        ({"RateLimit-Policy": '"jira-burst-based";q=100;w=1', "RateLimit": '"jira-burst-based";r=90;t=1'}, None),
        ({"Beta-RateLimit-Policy": '"global-app-quota";q=65000;w=3600'}, None),  # told, and not yet enforced
        ({"RateLimit-Policy": '"tenant-app-quota";q=100;w=3600'}, Quota(limit=100, window=HOUR)),
        (
            {
                "ratelimit-policy": '"global-app-quota";q=65000;w=3600,"tenant-app-quota";q=100;w=3600',
                "ratelimit": '"tenant-app-quota";r=7',
            },
            Quota(limit=100, remaining=7, window=HOUR),
        ),
        (
            {
                "RateLimit-Reason": "jira-quota-tenant-based",
                "X-RateLimit-Limit": "100000",
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "2026-03-26T16:00Z",
            },
            Quota(limit=100_000, remaining=0, window=HOUR, resets_at=datetime(2026, 3, 26, 16, tzinfo=UTC)),
        ),
        (
            {
                "X-RateLimit-Limit": "600",
                "X-RateLimit-Remaining": "580",
                "X-RateLimit-Interval-Seconds": "60",
                "X-RateLimit-FillRate": "300",
            },
            Quota(limit=600, remaining=580, window=120.0),
        ),
        ({"X-RateLimit-Interval-Seconds": "0", "X-RateLimit-Limit": "x"}, None),
        ({"RateLimit-Policy": "100;w=3600"}, None),
    ],
)
def test_a_quota_is_read_from_the_headers_of_each_edition(headers: dict[str, str], expected: Quota | None) -> None:
    assert quota(headers) == expected


def test_the_time_of_a_new_quota_is_read() -> None:
    found = quota({"RateLimit-Policy": '"a";q=10;w=3600', "RateLimit": '"a";r=1;t=600'})
    assert found is not None
    assert found.resets_at is not None
    assert 590 < (found.resets_at - datetime.now(UTC)).total_seconds() <= 600
