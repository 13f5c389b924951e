from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.access.conftest import Do, ask

from firstline.access import Person, Right, authenticate, grant, make_token, roll, token
from firstline.errors import Rejected
from firstline.store import Database
from firstline.store.table import LEDGER, TOKEN, now


def whose(database: Database, opens: str, days: float = 0) -> Person | None:
    return database.read_now(lambda c: authenticate(c, opens, now() + timedelta(days=days)))


def test_a_token_is_its_persons_with_the_rights_given(database: Database) -> None:
    opens = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    person = database.read_now(lambda c: authenticate(c, opens))
    assert person is not None
    assert person.name == "ada"
    assert person.may(Right.SEE)
    assert not person.may(Right.APPROVE)


def test_a_first_token_leaves_an_older_one_as_limited_as_it_was(database: Database) -> None:
    older = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    newer = database.write_now(lambda c: make_token(c, "ada", [Right.SEE, Right.GOVERN]))
    govern = [person and person.may(Right.GOVERN) for person in (whose(database, older), whose(database, newer))]
    assert govern == [False, True]


def test_another_text_is_nobodys_token(database: Database) -> None:
    opens = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    assert whose(database, opens[:-1]) is None
    assert whose(database, "") is None


def test_a_token_is_nobodys_from_the_day_it_expires(database: Database) -> None:
    opens = database.write_now(lambda c: make_token(c, "ada", [Right.SEE], days=7))
    assert whose(database, opens, days=6.9)
    assert whose(database, opens, days=7.1) is None


@pytest.mark.usefixtures("crew")
def test_a_token_that_was_taken_back_opens_nothing(database: Database, do: Do) -> None:
    opens, other = (do(token.give_token, "ann") for _ in range(2))
    taken = database.read_now(
        lambda c: c.execute(sa.select(TOKEN.c.id).where(TOKEN.c.hash == token.hashed(opens))).scalar_one()
    )
    do(token.revoke_token, taken)
    assert whose(database, opens) is None
    assert whose(database, other)
    with pytest.raises(Rejected):
        do(token.revoke_token, taken)


@pytest.mark.usefixtures("crew")
def test_a_token_of_who_is_off_opens_nothing_until_they_are_on(database: Database, do: Do) -> None:
    opens = do(token.give_token, "ann")
    do(roll.turn_off, "ann")
    assert whose(database, opens) is None
    with pytest.raises(Rejected, match="off"):
        do(token.give_token, "ann")
    do(roll.turn_on, "ann")
    assert whose(database, opens)


@pytest.mark.usefixtures("crew")
def test_a_token_gives_no_right_that_its_person_lacks(database: Database, do: Do) -> None:
    opens = do(token.give_token, "ann", rights=[Right.APPROVE, Right.GOVERN])
    before = whose(database, opens)
    do(grant.grant, "person:ann", [Right.GOVERN, Right.RUN])
    after = whose(database, opens)
    assert before
    assert after
    assert [before.may(right) for right in Right] == [False, False, True, False, False]
    assert [after.may(right) for right in Right] == [False, False, True, False, True]


def test_the_token_itself_is_not_kept(database: Database) -> None:
    opens = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    for table in (TOKEN, LEDGER):
        assert opens not in repr(ask(database, sa.Connection.execute, table.select()).all())


def test_who_made_a_token_stands_in_the_ledger(database: Database) -> None:
    database.write_now(lambda c: make_token(c, "ada", [Right.SEE], by="os:eve"))
    acts = database.read_now(lambda c: c.execute(LEDGER.select()).mappings().all())
    assert {row["subject"] for row in acts} == {"person:ada"}
    assert all('"by":"os:eve"' in row["entry"] for row in acts)
