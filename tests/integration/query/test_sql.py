import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from socket import create_server
from threading import Event

import pytest
import sqlalchemy as sa

from firstline.errors import Misdeclared, Rejected, Unavailable
from firstline.query import Answer, QuerySettings, Source, source
from firstline.query.sql import OPEN, ROWS, Sql

pytestmark = pytest.mark.anyio

TABLE = ("CREATE TABLE job (host text, waits float)", "INSERT INTO job VALUES ('a', 1.5), ('a', 2), ('b', 3)")


@pytest.fixture
async def jobs(database_url: str) -> AsyncIterator[Source]:
    """A database with three jobs."""
    engine = sa.create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in TABLE:
            connection.execute(sa.text(statement))
    engine.dispose()
    made = source(QuerySettings(kind="sql", url=database_url))
    yield made
    await made.aclose()


async def test_the_first_value_and_the_number_of_rows_are_told(jobs: Source) -> None:
    asked = "SELECT waits, host FROM job WHERE host = :host ORDER BY waits"
    assert await jobs.ask(asked, {"host": "a"}, 5) == Answer(1.5, 2)
    assert await jobs.ask("SELECT waits FROM job WHERE host = 'x'", {}, 5) == Answer(None, 0)


async def test_a_value_stays_a_value(jobs: Source) -> None:
    asked = "SELECT count(*) FROM job WHERE host = :host"
    assert await jobs.ask(asked, {"host": "' OR '1' = '1"}, 5) == Answer(0, 1)


@pytest.mark.parametrize("text", ["DELETE FROM job", "  update job set waits = 0", "DROP TABLE job"])
async def test_what_does_not_read_is_refused(jobs: Source, text: str) -> None:
    with pytest.raises(Rejected, match="only reads"):
        await jobs.ask(text, {}, 5)
    assert (await jobs.ask("SELECT count(*) FROM job", {}, 5)).value == 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_changes_something_all_the_same_is_refused_by_the_database(jobs: Source) -> None:
    with pytest.raises(Rejected, match="read-only transaction"):
        await jobs.ask("WITH gone AS (DELETE FROM job RETURNING 1) SELECT count(*) FROM gone", {}, 5)
    assert (await jobs.ask("SELECT count(*) FROM job", {}, 5)).value == 3


async def test_a_question_is_one_statement(jobs: Source) -> None:
    with pytest.raises(Rejected):
        await jobs.ask("SELECT 1; COMMIT; DELETE FROM job; SELECT 1", {}, 5)
    assert (await jobs.ask("SELECT count(*) FROM job", {}, 5)).value == 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_percent_sign_and_a_cast_are_what_they_are_in_sql(jobs: Source) -> None:
    asked = "SELECT count(*)::text FROM job WHERE host LIKE 'a%' AND host = :host"
    assert await jobs.ask(asked, {"host": "a"}, 5) == Answer("2", 1)


async def test_of_endless_rows_no_more_come_than_are_counted(jobs: Source) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    assert await jobs.ask(endless, {}, 10) == Answer(1, ROWS)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_question_to_a_file_that_takes_too_long_is_ended(jobs: Source) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Unavailable, match="interrupted"):
        await jobs.ask(endless, {}, 0.1)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_driver_that_never_comes_back_holds_up_nothing_but_its_own_source(
    jobs: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, ask = Event(), Sql._ask
    monkeypatch.setattr(Sql, "_ask", lambda *of: (back.wait(), ask(*of))[1])
    asked = [jobs.ask("SELECT count(*) FROM job", {}, 9) for _ in range(OPEN)]
    waiting = [asyncio.ensure_future(each) for each in asked]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match=f"{OPEN} questions have no answer yet"):
        await jobs.ask("SELECT 1", {}, 9)
    back.set()
    assert {answer.value for answer in await asyncio.gather(*waiting)} == {3}


async def test_a_server_that_takes_the_connection_and_says_nothing_is_unavailable() -> None:
    with closing(create_server(("127.0.0.1", 0))) as server:
        silent = source(QuerySettings(kind="sql", url=f"postgresql://u:p@127.0.0.1:{server.getsockname()[1]}/x"))
        with pytest.raises(Unavailable, match="no answer within"):
            await silent.ask("SELECT 1", {}, 0.1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_question_that_takes_too_long_is_ended_there(jobs: Source) -> None:
    with pytest.raises(Unavailable, match="statement timeout"):
        await jobs.ask("SELECT pg_sleep(30)", {}, 0.1)


async def test_a_question_that_is_no_sql_is_refused_without_its_values(jobs: Source) -> None:
    with pytest.raises((Rejected, Unavailable)) as refused:
        await jobs.ask("SELECT nothing FROM nowhere WHERE x = :x", {"x": "quite-private"}, 5)
    assert "quite-private" not in str(refused.value)


async def test_a_database_that_does_not_answer_is_unavailable() -> None:
    nobody = source(QuerySettings(kind="sql", url="postgresql://u:hidden-word@127.0.0.1:9/x"))
    with pytest.raises(Unavailable) as told:
        await nobody.ask("SELECT 1", {}, 5)
    assert "hidden-word" not in str(told.value)


def test_an_address_that_cant_be_used_is_misdeclared() -> None:
    with pytest.raises(Misdeclared, match="can't be used"):
        source(QuerySettings(kind="sql", url="nosuchdatabase://x"))
