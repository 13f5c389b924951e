"""Priority, custom fields and status updates: set when they are not so, and read back."""

from collections.abc import Callable
from typing import Any

import pytest

from firstline.connector import SandboxSettings, Update
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_pagerduty.connector import PagerDutyConnector
from firstline_pagerduty.sandbox import create_app

pytestmark = pytest.mark.anyio

Connect = Callable[..., PagerDutyConnector]


def custom(name: str, data_type: str = "string", field_type: str = "single_value") -> dict[str, str]:
    return {
        "id": f"P{name.upper()}",
        "name": name,
        "display_name": name.title(),
        "data_type": data_type,
        "field_type": field_type,
    }


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    fields = [
        custom("environment"),
        custom("floor", "integer"),
        custom("load", "float"),
        custom("known", "boolean"),
        custom("rooms", "string", "multi_value"),
    ]
    return seed | {"custom_fields": fields}


async def values(sandbox: Any) -> dict[str, Any]:
    answer = await sandbox.request("GET", "/incidents/Q3B15VLMF3ASBD/custom_fields/values")
    return {row["name"]: row["value"] for row in answer.json()["custom_fields"]}


async def test_a_priority_is_set_once(connect: Connect, sandbox: Any, reference: Reference) -> None:
    connector = connect(sandbox.address)
    for _ in range(2):
        await connector.update(reference, Update(priority=2))
    assert (await sandbox.incident())["priority"]["summary"] == "P2"
    assert await sandbox.writes() == 1


@pytest.mark.parametrize(
    ("names", "number", "chosen"),
    [
        (["P1 Critical", "P2 High"], 2, "P2 High"),
        (["SEV-1", "SEV-2", "SEV-3"], 2, "SEV-2"),
        (["Worst", "P1"], 1, "P1"),
    ],
)
async def test_a_priority_is_chosen_by_its_name_or_else_its_place(
    connect: Connect,
    loopback: Any,
    at: Any,
    seed: dict[str, Any],
    reference: Reference,
    names: list[str],
    number: int,
    chosen: str,
) -> None:
    sandbox = at(loopback(create_app(SandboxSettings(seed=seed | {"priorities": names}))))
    await connect(sandbox.address).update(reference, Update(priority=number))
    assert (await sandbox.incident())["priority"]["summary"] == chosen


@pytest.mark.parametrize(("names", "words"), [([], "no priorities"), (["High"], "none named P5")])
async def test_a_priority_that_the_account_lacks_is_rejected(
    connect: Connect, loopback: Any, seed: dict[str, Any], reference: Reference, names: list[str], words: str
) -> None:
    address = loopback(create_app(SandboxSettings(seed=seed | {"priorities": names})))
    with pytest.raises(Rejected, match=words):
        await connect(address).update(reference, Update(priority=5))


async def test_custom_fields_are_set_as_their_type_has_them(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    wanted = {"environment": "production", "Floor": "3", "load": "0.5", "known": "true", "rooms": "east, west"}
    await connect(sandbox.address).update(reference, Update(fields=wanted))
    assert await values(sandbox) == {
        "environment": "production",
        "floor": 3,
        "load": 0.5,
        "known": True,
        "rooms": ["east", "west"],
    }


async def test_custom_fields_that_are_so_already_are_not_written(
    connect: Connect, sandbox: Any, reference: Reference
) -> None:
    connector = connect(sandbox.address)
    for _ in range(2):
        await connector.update(reference, Update(fields={"floor": "3"}))
    assert await sandbox.writes() == 1


@pytest.mark.parametrize(
    ("fields", "words"), [({"colour": "red"}, "no custom field colour.*environment"), ({"floor": "high"}, "no integer")]
)
async def test_a_custom_field_that_can_not_be_set_is_named(
    connect: Connect, sandbox: Any, reference: Reference, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(Rejected, match=words):
        await connect(sandbox.address).update(reference, Update(fields=fields))
    assert await sandbox.writes() == 0


@pytest.mark.parametrize(
    ("ignored", "update", "words"),
    [
        ("priority", Update(priority=1), "took priority P1"),
        ("custom_fields", Update(fields={"environment": "test"}), "took environment"),
    ],
)
async def test_a_field_that_was_taken_and_not_kept_is_rejected(
    connect: Connect, sandbox: Any, reference: Reference, ignored: str, update: Update, words: str
) -> None:
    await sandbox.request("PUT", "/sandbox/trouble", {"ignored": [ignored]})
    with pytest.raises(Rejected, match=words):
        await connect(sandbox.address).update(reference, update)


async def test_a_status_update_is_published_once(
    connect: Connect, loopback: Any, breaking: Any, at: Any, seed: dict[str, Any], reference: Reference
) -> None:
    address = loopback(breaking(create_app(SandboxSettings(seed=seed))))
    connector = connect(address)
    with pytest.raises(Unavailable):
        await connector.update(reference, Update(status="A fix is on its way"))
    await connector.update(reference, Update(status="A fix is on its way"))
    await connector.update(reference, Update(status="It is mended"))
    log = (await at(address).incident())["log_entries"]
    assert [one["message"] for one in log if one["type"] == "status_update_log_entry"] == [
        "A fix is on its way",
        "It is mended",
    ]


async def test_an_answer_that_shows_no_status_update_leaves_it_open(
    connect: Connect, loopback: Any, vendor: Any, reference: Reference
) -> None:
    with pytest.raises(Unavailable, match="does not show"):
        await connect(loopback(vendor((200, {})))).update(reference, Update(status="x"))
