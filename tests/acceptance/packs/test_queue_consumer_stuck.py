"""A real queue in PostgreSQL, whose consumer hangs with a job in its hands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from tests.acceptance.packs.conftest import Bench

from firstline.declaration import Json
from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio

SCRIPT = "postgresql/queue-consumer-stuck"
# Takes the oldest job that nobody has; does it, or waits for an answer that never comes.
CONSUMER = """
import sys, time, psycopg
address, name, hangs = sys.argv[1:]
with psycopg.connect(address, application_name=name) as connection:
    while True:
        with connection.transaction():
            job = connection.execute(
                "SELECT id FROM jobs WHERE done_at IS NULL ORDER BY created_at FOR UPDATE SKIP LOCKED LIMIT 1"
            ).fetchone()
            if job:
                while hangs == "yes":
                    time.sleep(1000)
                connection.execute("UPDATE jobs SET done_at = now() WHERE id = %s", job)
        if not job:
            time.sleep(0.05)
"""


class Queue:
    def __init__(self, postgres: Any, folder: Path) -> None:
        self._name = f"q{os.urandom(6).hex()}"
        self._consumers: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        (folder / "consumer.py").write_text(CONSUMER)
        with psycopg.connect(postgres.get_uri(), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {self._name}")
            server.execute(f"CREATE ROLE {self._name} LOGIN")
        self.address = sa.make_url(postgres.get_uri()).set(database=self._name).render_as_string(hide_password=False)
        known = psycopg.conninfo.conninfo_to_dict(self.address)
        self.connection = psycopg.connect(self.address, autocommit=True)
        self.connection.execute("CREATE TABLE jobs (id bigserial, created_at timestamptz, done_at timestamptz)")
        self.connection.execute(f"GRANT ALL ON jobs TO {self._name}")
        self.inputs: dict[str, Json] = {"host": str(known["host"]), "user": str(known.get("user", "postgres"))}
        self.inputs |= {"database": self._name, "table": "jobs", "waits": 60, "seconds": 1}
        self.inputs |= {"application": "shop-worker%"}

    def add(self, count: int, minutes: int) -> None:
        job = "INSERT INTO jobs (created_at) SELECT now() - %s * interval '1 minute' FROM generate_series(1, %s)"
        self.connection.execute(job, [minutes, count])

    def consume(self, name: str, *, hangs: bool = False) -> None:
        address = sa.make_url(self.address).set(username=self._name).render_as_string(hide_password=False)
        run = [sys.executable, str(self._folder / "consumer.py"), address, name, "yes" if hangs else "no"]
        self._consumers.append(subprocess.Popen(run, stderr=subprocess.DEVNULL))

    @property
    def left(self) -> int:
        return int(self.connection.execute("SELECT count(*) FROM jobs WHERE done_at IS NULL").fetchone()[0])  # type: ignore[index]

    def settle(self, name: str, seconds: float = 1.1) -> None:
        """Return when the consumer has hung for so long."""
        hung = "SELECT now() - state_change > %s * interval '1 second' FROM pg_stat_activity"
        query = f"{hung} WHERE application_name = %s AND state = 'idle in transaction'"
        eventually(lambda: self.connection.execute(query, [seconds, name]).fetchone() == (True,))

    def close(self) -> None:
        self.connection.close()
        for consumer in self._consumers:
            consumer.kill()
            consumer.wait()


@pytest.fixture
def queue(postgres: Any, psql: None, tmp_path: Path) -> Iterator[Queue]:
    made = Queue(postgres, tmp_path)
    yield made
    made.close()


async def test_the_jobs_of_a_consumer_that_hangs_are_done_by_another(bench: Bench, queue: Queue) -> None:
    queue.add(1, minutes=30)
    queue.consume("shop-worker-1", hangs=True)
    queue.settle("shop-worker-1")
    queue.add(20, minutes=5)
    queue.consume("shop-worker-2")
    eventually(lambda: queue.left == 1)
    played = await bench.play(SCRIPT, **queue.inputs)
    assert played.outcome == "proved", played
    assert queue.left == 0
    assert "shop-worker-1" in played.said["look who has them"]


async def test_a_consumer_that_is_within_its_time_goes_on(bench: Bench, queue: Queue) -> None:
    queue.add(1, minutes=30)
    queue.consume("shop-worker-1", hangs=True)
    queue.settle("shop-worker-1", 0)
    played = await bench.play(SCRIPT, **(queue.inputs | {"seconds": 3600}))
    assert played.outcome == "failed"
    assert "no session of shop-worker% hangs" in played.said["end hanging sessions"]
    assert queue.left == 1


async def test_jobs_that_no_consumer_takes_are_another_fault(bench: Bench, queue: Queue) -> None:
    queue.add(3, minutes=30)
    played = await bench.play(SCRIPT, **queue.inputs)
    assert played.outcome == "failed"
    assert "is a consumer connected at all?" in played.said["end hanging sessions"]


async def test_a_queue_that_moves_needs_nothing(bench: Bench, queue: Queue) -> None:
    queue.add(3, minutes=0)
    assert (await bench.play(SCRIPT, **queue.inputs)).outcome == "not_needed"
