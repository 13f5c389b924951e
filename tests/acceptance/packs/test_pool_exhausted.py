"""A real PostgreSQL that has no connections left."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.acceptance.packs.conftest import Bench

from firstline.declaration import Json
from firstline.testing.patience import eventually

pytestmark = pytest.mark.anyio

SCRIPT = "postgresql/pool-exhausted"
ROLE = "pack_shop"

Connect = Callable[..., "psycopg.Connection[Any]"]


class Server:
    def __init__(self, postgres: Any) -> None:
        self._uri = postgres.get_uri()
        self.opened: list[psycopg.Connection[Any]] = []
        with self.administer() as connection:
            known = psycopg.conninfo.conninfo_to_dict(self._uri)
            connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
            connection.execute(f"CREATE ROLE {ROLE} LOGIN")
        self.inputs: dict[str, Json] = {"host": str(known["host"]), "user": str(known.get("user", "postgres"))}
        self.inputs |= {"application": "pack-shop%", "seconds": 1, "percent": 95}

    def administer(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self._uri, autocommit=True)

    def fill(self, statement: str) -> None:
        """Take every connection that an ordinary role can have."""
        while True:
            try:
                self.opened.append(self.connect())
            except psycopg.OperationalError:
                break
            self.opened[-1].execute(statement)

    def connect(self, application: str = "pack-shop-1") -> "psycopg.Connection[Any]":
        return psycopg.connect(self._uri, user=ROLE, application_name=application)

    def settle(self) -> None:
        """Return when they have been as they are for longer than a second."""
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began > 1.1)

    def close(self) -> None:
        for connection in self.opened:
            connection.close()
        with self.administer() as connection:
            others = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
            eventually(lambda: connection.execute(others, [ROLE]).fetchone() == (0,))
            connection.execute(f"DROP ROLE {ROLE}")


@pytest.fixture
def server(postgres: Any, psql: None) -> Iterator[Server]:
    made = Server(postgres)
    yield made
    made.close()


async def test_leaked_sessions_are_ended_and_there_is_room(bench: Bench, server: Server) -> None:
    server.fill("SELECT 1")  # psycopg has begun a transaction by that, and nobody ends it
    server.settle()
    with pytest.raises(psycopg.OperationalError, match="connection slots"):
        server.connect()
    played = await bench.play(SCRIPT, **server.inputs)
    assert played.outcome == "proved", played
    assert f"{len(server.opened)} sessions were ended" in played.said["end leaked sessions"]
    server.connect().close()
    with pytest.raises(psycopg.OperationalError):
        server.opened[0].execute("SELECT 1")


async def test_sessions_that_are_not_leaked_and_those_of_others_are_left_alone(bench: Bench, server: Server) -> None:
    leaked = server.connect("billing")
    leaked.execute("SELECT 1")
    server.opened.append(leaked)
    server.fill("COMMIT")
    server.settle()
    played = await bench.play(SCRIPT, **server.inputs)
    assert played.outcome == "failed"
    assert "none is leaked" in played.said["end leaked sessions"]
    assert all(connection.execute("SELECT 1") for connection in server.opened)


async def test_a_server_with_room_needs_nothing(bench: Bench, server: Server) -> None:
    assert (await bench.play(SCRIPT, **server.inputs)).outcome == "not_needed"


async def test_a_server_that_cannot_be_reached_is_no_healthy_one(bench: Bench, server: Server) -> None:
    nowhere = server.inputs | {"host": "127.0.0.1", "port": 1}
    assert (await bench.play(SCRIPT, **nowhere)).outcome == "blind"
