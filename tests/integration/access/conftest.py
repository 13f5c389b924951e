"""Acts about people, each in a transaction of its own, as commands and the API do them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from tests.conftest import empty_database

from firstline.access import Right, grant, group, roll
from firstline.store import Database
from firstline.store.table import DELEGATION, GRANT, LEDGER, MEMBER, PERSON, TOKEN

BOSS = "os:root"

Do = Callable[..., Any]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def one_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(empty_database(request, tmp_path_factory.mktemp("access")))
    made.create()
    yield made
    made.close()


@pytest.fixture
def database(one_database: Database) -> Database:
    """One of each kind for all tests, emptied before each: making one takes a second."""
    empty(one_database)
    return one_database


def ask(database: Database, what: Callable[..., Any], *arguments: Any) -> Any:
    return database.read_now(lambda connection: what(connection, *arguments))


def empty(database: Database) -> None:
    with database.engine.begin() as connection:
        for table in (PERSON, MEMBER, GRANT, DELEGATION, TOKEN, LEDGER):
            connection.execute(sa.delete(table))


@pytest.fixture
def do(database: Database) -> Do:
    """`do(act, ...)`: as who is nobody in particular, in a transaction of its own."""

    def act(what: Callable[..., Any], *arguments: Any, by: str = BOSS, **named: Any) -> Any:
        return database.write_now(lambda connection: what(connection, *arguments, by=by, **named))

    return act


@pytest.fixture
def crew(do: Do) -> None:
    """ann and bob are in sre, which may approve in shop; cas is nobody yet."""
    for name in ("ann", "bob", "cas"):
        do(roll.add, name)
    for name in ("ann", "bob"):
        do(group.join, "sre", name)
    do(grant.grant, "group:sre", [Right.SEE, Right.APPROVE], pack="shop")
