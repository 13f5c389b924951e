"""Every request is counted, and what PagerDuty says of its limit is kept."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from firstline.connector import Alarm, Note, SandboxSettings, StateChange
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline.meter import Quota
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.rest import quota
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]


async def test_each_request_is_counted(connect: Connect, sandbox: Any, reference: Reference) -> None:
    connector = connect(
        sandbox.address, events_url=sandbox.address, alarm_routing_key="sandbox-routing-key".ljust(32, "0")
    )
    await connector.write_note(reference, Note(key="k", headline="h"))
    await connector.set_state(reference, StateChange(to="escalated"))
    await connector.alarm(Alarm(key="k", summary="s"))
    await connector.check()
    sent, _ = connector.meter.take()
    assert sent == (await sandbox.state())["requests"]["total"]


async def test_a_request_without_an_answer_is_counted(connect: Connect, reference: Reference) -> None:
    connector = connect()
    with pytest.raises(Unavailable):
        await connector.fetch(reference)
    assert connector.meter.take() == (1, None)


async def test_what_is_left_of_the_minute_is_kept(
    connect: Connect, loopback: Any, seed: dict[str, Any], reference: Reference
) -> None:
    connector = connect(loopback(create_app(SandboxSettings(seed=seed | {"rate_limit": 960}))))
    await connector.fetch(reference)
    _, told = connector.meter.take()
    assert told is not None
    assert (told.limit, told.remaining, told.window) == (960, 959, 60.0)
    assert told.resets_at is not None
    assert 0 < (told.resets_at - datetime.now(UTC)).total_seconds() <= 60


async def test_a_refusal_for_the_limit_tells_that_nothing_is_left(
    connect: Connect, loopback: Any, seed: dict[str, Any], reference: Reference
) -> None:
    connector = connect(loopback(create_app(SandboxSettings(seed=seed | {"rate_limit": 1}))))
    await connector.fetch(reference)
    with pytest.raises(Unavailable) as caught:
        await connector.fetch(reference)
    sent, told = connector.meter.take()
    assert sent == 2
    assert told is not None
    assert told.remaining == 0
    assert caught.value.retry_after is not None


@pytest.mark.parametrize("headers", [{}, {"ratelimit-reset": "20"}, {"ratelimit-limit": "many"}])
def test_headers_that_tell_no_limit_say_nothing(headers: dict[str, str]) -> None:
    assert quota(headers) is None


def test_headers_may_tell_a_part() -> None:
    assert quota({"ratelimit-limit": "960"}) == Quota(960, None, 60.0, None)
