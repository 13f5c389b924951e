from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from firstline.errors import Misdeclared, Rejected, Unavailable
from firstline.query import Answer, QuerySettings, Source, source

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
