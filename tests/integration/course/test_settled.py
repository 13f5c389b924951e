"""Where the hub can't know how a remediation ended: a person is told all that is known, and says it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.integration.course.stage import Make, Stage
from tests.integration.course.test_step import ROLLBACK, UNDONE, shop, trace

from firstline.access import Right, make_token
from firstline.remediation.note.text import SETTLED
from firstline.store.table import CHANGE
from firstline.testing.executor import until
from firstline.web.app import create_app

pytestmark = pytest.mark.anyio

KILLED = 'echo half of it; until test -e "$1/seen"; do sleep 0.01; done; kill -9 $PPID'
DONE = {"ended": "done", "reason": "It runs again, I looked."}


@pytest.fixture
async def lost(stage: Make) -> Stage:
    """One whose third step was killed with its supervisor, after it had printed something."""
    made = await shop(stage, UNDONE, ROLLBACK, three=KILLED)
    turn = asyncio.ensure_future(made.incident())
    logs = made.hub.context.logs.folder
    await until(lambda: any("half of it" in each.read_text() for each in logs.rglob("*.log")))
    (made.marks / "seen").touch()
    await turn
    assert made.row()["outcome"] == "unknown"
    return made


def client(made: Stage, *rights: Right) -> httpx.AsyncClient:
    token = made.hub.database.write_now(lambda c: make_token(c, f"some-{len(rights)}", list(rights)))
    bearer = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(made.hub)), base_url="http://127.0.0.1:8480", headers=bearer
    )


async def say(made: Stage, said: dict[str, str], *rights: Right) -> httpx.Response:
    async with client(made, *rights) as api:
        return await api.post(f"/api/v1/remediations/{made.row()['id']}/settle", json=said)


async def test_the_note_tells_all_that_is_known(lost: Stage) -> None:
    [note] = lost.notes()
    for known in (
        "three on shop: how it ended can't be told (begun at 20",
        " UTC by command, to be found at ",
        "its supervisor died",
        "half of it",
        "Not taken back",
        "not three on shop: ./do",
        "not one on shop: ./do",
        "Look on shop whether it still runs, and how it ended.",
        f"/remediations/{lost.row()['id']} how it ended: done, and its change is closed as successful",
    ):
        assert known in note, known
    assert trace(lost) == ["one", "two", "three"]


@pytest.mark.parametrize(("ended", "result"), [("done", "successful"), ("not_done", "unsuccessful")])
async def test_what_a_person_says_closes_the_change_and_frees_the_targets(lost: Stage, ended: str, result: str) -> None:
    assert lost.locks()
    await lost.write()
    answer = await say(lost, {**DONE, "ended": ended}, Right.SEE, Right.RUN)
    assert answer.status_code == 200, answer.text
    await lost.write()
    assert lost.locks() == []
    assert lost.parked() == []
    change = lost.read(lambda c: dict(c.execute(sa.select(CHANGE)).mappings().one()))
    assert (change["state"], change["result"]) == ("closed", result)
    said = f"some-2 says: {SETTLED[ended]}. {DONE['reason']}"
    assert lost.acts("settled") == [said]
    assert lost.notes(said)


async def test_it_is_said_once(lost: Stage) -> None:
    await say(lost, DONE, Right.SEE, Right.RUN)
    again = await say(lost, {**DONE, "ended": "not_done"}, Right.SEE, Right.RUN)
    assert (again.status_code, "nothing to be settled" in again.text) == (409, True)


async def test_who_may_run_nothing_settles_nothing(lost: Stage) -> None:
    assert (await say(lost, DONE, Right.SEE, Right.APPROVE)).status_code == 403
    assert "How did it end?" not in await page(lost, Right.SEE)
    assert lost.locks()


async def test_what_the_hub_knows_is_not_settled_by_anybody(stage: Make) -> None:
    made = await stage()
    await made.incident()
    assert made.row()["outcome"] == "proved"
    assert (await say(made, DONE, Right.SEE, Right.RUN)).status_code == 409


async def page(made: Stage, *rights: Right) -> str:
    async with client(made, *rights) as portal:
        portal.cookies.set("firstline", portal.headers.pop("Authorization").removeprefix("Bearer "))
        return (await portal.get(f"/remediations/{made.row()['id']}")).text


async def test_the_page_asks_until_somebody_has_said_it(lost: Stage, sign: Callable[..., Any]) -> None:
    assert "How did it end?" in await page(lost, Right.SEE, Right.RUN)
    answer = await sign(lost, f"/remediations/{lost.row()['id']}", DONE)
    assert answer.status_code == 303
    assert "How did it end?" not in await page(lost, Right.SEE, Right.RUN, Right.APPROVE)


@pytest.fixture
def sign() -> Callable[..., Any]:
    """`await sign(stage, path, form)` sends a page's form as a browser does that has the page open."""

    async def sent(made: Stage, path: str, form: dict[str, str]) -> httpx.Response:
        async with client(made, *Right) as portal:
            portal.cookies.set("firstline", portal.headers.pop("Authorization").removeprefix("Bearer "))
            shown = (await portal.get(path)).text
            seal = shown.split('name="seal" value="', 1)[1].split('"', 1)[0]
            origin = {"Origin": "http://127.0.0.1:8480"}
            return await portal.post(path, data={**form, "seal": seal}, headers=origin)

    return sent
