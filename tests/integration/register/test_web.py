"""The hub's own changes in the API and in the portal."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.integration.register.conftest import normal, standard

from firstline import settings
from firstline.access import Right, roll
from firstline.access.grant import grant
from firstline.access.token import give_token
from firstline.connector import Approval, Evidence
from firstline.hub import Hub
from firstline.incident import Reference
from firstline.register import OwnRegister
from firstline.remediation.change.closing import change_key
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import RemediationRow
from firstline.web.app import create_app

pytestmark = pytest.mark.anyio

IDS = {pack: f"{n:032x}" for n, pack in enumerate(("shop", "mail"), 1)}


@pytest.fixture
async def web(tmp_path: Path, database_url: str, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "firstline.toml").write_text(f'[hub]\ndatabase = "{database_url}"\nenvironment = "prod"\n')
    (tmp_path / "mappings").mkdir()
    hub = Hub(settings.load(tmp_path))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(hub)), base_url="http://hub") as client:
        yield client
    hub.database.close()


@pytest.fixture
async def opened(database: Database, register: OwnRegister) -> list[Reference]:
    """A change of each pack's remediation, and one of none."""
    for pack, id_ in IDS.items():
        parts: dict[str, Any] = {
            "mapping": "",
            "mode": "auto",
            "plan_digest": "",
            "stage": "ended",
            "environment": "prod",
        }
        row = RemediationRow(id=id_, event_id="e", connection="servicenow", pack=pack, **parts)
        database.write_now(lambda connection, row=row: insert(connection, row))  # type: ignore[misc]
    keys = [*(change_key(id_, "d" * 64) for id_ in IDS.values()), "another"]
    return [await register.open(normal(key, short_description=f"<b>{key[-4:]}</b>")) for key in keys]


def token_of(database: Database, name: str, **where: str) -> dict[str, str]:
    """Of somebody who may see there."""

    def put(connection: sa.Connection) -> str:
        roll.add(connection, name, by="test")
        grant(connection, f"person:{name}", [Right.SEE], by="test", **where)
        return give_token(connection, name, by="test")

    return {"Authorization": f"Bearer {database.write_now(put)}"}


async def test_changes_are_read_a_page_at_a_time_newest_first(
    web: httpx.AsyncClient, database: Database, opened: list[Reference]
) -> None:
    ann = token_of(database, "ann")
    first = (await web.get("/api/v1/changes?limit=2", headers=ann)).json()
    assert [one["number"] for one in first["items"]] == ["CHG0000003", "CHG0000002"]
    last = (await web.get(f"/api/v1/changes?limit=2&before={first['next']}", headers=ann)).json()
    assert ([one["number"] for one in last["items"]], last["next"]) == (["CHG0000001"], None)
    assert (await web.get("/api/v1/changes?state=closed", headers=ann)).json()["items"] == []
    assert (await web.get("/api/v1/changes?before=nonsense", headers=ann)).status_code == 422


async def test_a_change_is_read_with_all_that_stands_on_it(
    web: httpx.AsyncClient, database: Database, register: OwnRegister, opened: list[Reference]
) -> None:
    await register.request(opened[0], Evidence(notes="Firstline asks."))
    await register.decided(opened[0], Approval(state="approved", by=("ben",), comment="go"))
    found = (await web.get("/api/v1/changes/CHG0000001", headers=token_of(database, "ann"))).json()
    assert (found["state"], found["approval"], found["approved_by"]) == ("authorize", "approved", ["ben"])
    assert found["remediation_id"] == IDS["shop"]
    assert [line["notes"] for line in found["notes"]] == ["", "Firstline asks.", "Approved by ben: go"]


async def test_who_may_see_a_pack_sees_its_changes_alone(
    web: httpx.AsyncClient, database: Database, opened: list[Reference]
) -> None:
    bo = token_of(database, "bo", pack="mail")
    seen = (await web.get("/api/v1/changes", headers=bo)).json()["items"]
    assert [one["number"] for one in seen] == ["CHG0000002"]
    for path in ("/api/v1/changes/CHG0000001", "/changes/CHG0000001", "/api/v1/changes/CHG0000003"):
        assert (await web.get(path, headers=bo)).status_code == 404, path
    assert (await web.get("/changes/CHG0000002", headers=bo)).status_code == 200


@pytest.mark.parametrize("number", ["CHG0000009", "x", "CHG1"])
async def test_what_is_not_there_is_answered_404(web: httpx.AsyncClient, database: Database, number: str) -> None:
    ann = token_of(database, "ann")
    assert (await web.get(f"/api/v1/changes/{number}", headers=ann)).status_code == 404
    page = await web.get(f"/changes/{number}", headers=ann)
    assert (page.status_code, "There is no such change" in page.text) == (404, True)


async def test_the_pages_show_what_was_filed_and_nothing_of_it_becomes_markup(
    web: httpx.AsyncClient, database: Database, register: OwnRegister, opened: list[Reference]
) -> None:
    late = standard("late", late=True, implementation_plan="1. <script>restart</script>")
    await register.open(late)
    ann = token_of(database, "ann")
    listed = (await web.get("/changes", headers=ann)).text
    assert 'href="/changes/CHG0000004"' in listed
    assert "filed late" in listed
    assert "&lt;b&gt;" in listed
    shown = (await web.get("/changes/CHG0000004", headers=ann)).text
    assert "1. &lt;script&gt;restart&lt;/script&gt;" in shown
    assert "<script>" not in shown


async def test_nobody_sees_a_page_without_signing_in(web: httpx.AsyncClient, opened: list[Reference]) -> None:
    for path in ("/changes", "/changes/CHG0000001"):
        answer = await web.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?to={path}")
