"""Checkpoints go off the box: to URLs, git repositories and files, again until they arrive, and hold nobody up."""

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.integration.ledger.conftest import Log

from firstline.ledger.checkpoint import opened
from firstline.ledger.publish import Publisher
from firstline.settings import Ledger
from firstline.store.table import PUBLICATION
from firstline.web.metric import figures

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
Loopback = Callable[[Any], str]


class Witness:
    """Takes checkpoints by HTTP, or refuses them."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.status = 200
        self.app = Starlette(routes=[Route("/checkpoints", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        text = (await request.body()).decode()
        if self.status == 200 and request.headers["content-type"] == "text/plain; charset=utf-8":
            self.taken.append(text)
        return Response("no room", self.status)


class Clock:
    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment

    def passes(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def publisher(log: Log, clock: Clock, *places: str) -> Publisher:
    found = log.settings.model_copy(update={"ledger": Ledger(publish=places)})
    return Publisher(log.database, log.leases, found, clock)


def standing(log: Log, place: str) -> Any:
    query = sa.select(PUBLICATION).where(PUBLICATION.c.place == place)
    return log.database.read_now(lambda connection: connection.execute(query).mappings().one())


async def test_a_new_checkpoint_is_posted_at_most_once_in_its_time(log: Log, clock: Clock, loopback: Loopback) -> None:
    witness = Witness()
    place = f"{loopback(witness.app)}/checkpoints"
    sends = publisher(log, clock, place)
    await log.grow(2)
    await sends.publish(place)
    await log.grow(1)
    await sends.publish(place)
    assert [opened(note, log.folder.verifiers()).size for note in witness.taken] == [3]
    clock.passes(60)
    await sends.publish(place)
    clock.passes(60)
    await sends.publish(place)
    assert [opened(note, log.folder.verifiers()).size for note in witness.taken] == [3, 4]
    assert standing(log, place)["size"] == 4


async def test_what_was_refused_is_sent_again_ever_later_and_shown(log: Log, clock: Clock, loopback: Loopback) -> None:
    witness = Witness()
    witness.status = 507
    place = f"{loopback(witness.app)}/checkpoints"
    sends = publisher(log, clock, place)
    await log.grow(2)
    waits = []
    for _ in range(3):
        await sends.publish(place)
        waits.append((standing(log, place)["due_at"] - clock.moment).total_seconds())
        clock.moment = standing(log, place)["due_at"]
    assert waits == [60, 120, 240]
    assert "no room" in standing(log, place)["trouble"]
    told = log.database.read_now(figures)
    assert f'firstline_ledger_publish_failures{{place="{place}"}} 3.0' in told
    witness.status = 200
    await sends.publish(place)
    assert (len(witness.taken), standing(log, place)["attempts"], standing(log, place)["trouble"]) == (1, 0, "")
    assert f'firstline_ledger_published{{place="{place}"}} 3.0' in log.database.read_now(figures)


async def test_a_git_repository_gets_a_commit_for_each_and_keeps_what_else_is_in_it(
    log: Log, clock: Clock, tmp_path: Path
) -> None:
    bare = tmp_path / "there.git"
    git("init", "--quiet", "--bare", str(bare))
    place = f"git:{bare}"
    sends = publisher(log, clock, place)
    for _ in range(2):
        await log.grow(1)
        await sends.publish(place)
        clock.passes(60)
    assert git("-C", str(bare), "log", "--format=%s", "HEAD").split() == [
        *("hub.example.com/ledger:", "3", "entries"),
        *("hub.example.com/ledger:", "2", "entries"),
    ]
    shown = git("-C", str(bare), "show", "HEAD:hub.example.com%2Fledger.checkpoint")
    assert opened(shown, log.folder.verifiers()).size == 3


async def test_a_repository_that_is_not_there_is_a_failure_and_asks_nobody(
    log: Log, clock: Clock, tmp_path: Path
) -> None:
    place = f"git:{tmp_path}/absent.git"
    await log.grow(1)
    await publisher(log, clock, place).publish(place)
    assert standing(log, place)["attempts"] == 1
    assert "git" in standing(log, place)["trouble"]


async def test_a_file_is_appended_to(log: Log, clock: Clock, tmp_path: Path) -> None:
    place = f"file:{tmp_path}/mounted/checkpoints"
    sends = publisher(log, clock, place)
    for _ in range(2):
        await log.grow(1)
        await sends.publish(place)
        clock.passes(60)
    assert (tmp_path / "mounted" / "checkpoints").read_text() == log.folder.all.read_text()


async def test_a_place_that_hangs_holds_no_other(log: Log, clock: Clock, loopback: Loopback, tmp_path: Path) -> None:
    hangs = asyncio.Event()

    async def hang(request: Request) -> Response:
        hangs.set()
        await asyncio.Event().wait()
        return Response()

    slow = f"{loopback(Starlette(routes=[Route('/', hang, methods=['POST'])]))}/"
    await log.grow(1)
    running = asyncio.create_task(publisher(log, clock, slow, f"file:{tmp_path}/other").run())
    async with asyncio.timeout(20):
        while not await asyncio.to_thread((tmp_path / "other").exists):
            pass
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert (tmp_path / "other").read_text() == log.folder.latest.read_text()


async def test_a_process_without_the_lease_publishes_nothing(
    log: Log, clock: Clock, open_log: Callable[[], Log], tmp_path: Path
) -> None:
    await log.grow(1)
    other = open_log()
    place = f"file:{tmp_path}/other"
    await publisher(other, clock, place).publish(place)
    assert not (tmp_path / "other").exists()


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout
