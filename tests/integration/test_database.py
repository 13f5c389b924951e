from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from firstline.errors import Misdeclared
from firstline.store import Database
from firstline.store.table import CONNECTION


def test_several_processes_that_start_at_once_make_the_tables_once(open_database: Callable[[], Database]) -> None:
    databases = [open_database() for _ in range(4)]
    for each in databases:
        each.read_now(lambda c: c.execute(sa.text("SELECT 1")))  # connected, so that they race
    with ThreadPoolExecutor(4) as processes:
        for made in [processes.submit(each.create) for each in databases]:
            made.result()
    assert databases[0].read_now(lambda c: c.execute(CONNECTION.select()).all()) == []


def change(database: Database, statement: str) -> None:
    database.write_now(lambda connection: connection.execute(sa.text(statement)))


def test_a_database_of_an_older_version_is_named_with_its_table_and_what_it_lacks(database: Database) -> None:
    change(database, "ALTER TABLE fl_connection DROP COLUMN failures")
    with pytest.raises(Misdeclared, match=r"fl_connection lacks failures: an older version.*hub\.database"):
        database.create()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_of_a_newer_version_is_named_too(database: Database) -> None:
    change(database, "ALTER TABLE fl_connection ADD COLUMN shape TEXT")
    database.create()
    change(database, "DROP TABLE fl_connection")
    change(
        database,
        "CREATE TABLE fl_connection (name TEXT, paused_at INT, reason TEXT, failures INT, rests_until INT, "
        "colour TEXT NOT NULL)",
    )
    with pytest.raises(Misdeclared, match="fl_connection asks for colour: a newer version"):
        database.create()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_index_that_is_missing_is_made(database: Database) -> None:
    change(database, "DROP INDEX fl_event_way")
    database.create()
    there = database.read_now(lambda c: {index["name"] for index in sa.inspect(c).get_indexes("fl_event")})
    assert "fl_event_way" in there
