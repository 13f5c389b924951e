from firstline.access import Right, authenticate, make_token
from firstline.store import Database
from firstline.store.table import TOKEN


def test_a_token_is_its_persons_with_the_rights_given(database: Database) -> None:
    token = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    person = database.read_now(lambda c: authenticate(c, token))
    assert person is not None
    assert person.name == "ada"
    assert person.may(Right.SEE)
    assert not person.may(Right.APPROVE)


def test_another_text_is_nobodys_token(database: Database) -> None:
    token = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    assert database.read_now(lambda c: authenticate(c, token[:-1])) is None
    assert database.read_now(lambda c: authenticate(c, "")) is None


def test_an_expired_token_is_nobodys(database: Database) -> None:
    token = database.write_now(lambda c: make_token(c, "ada", [Right.SEE], days=-1))
    assert database.read_now(lambda c: authenticate(c, token)) is None


def test_the_token_itself_is_not_kept(database: Database) -> None:
    token = database.write_now(lambda c: make_token(c, "ada", [Right.SEE]))
    rows = database.read_now(lambda c: c.execute(TOKEN.select()).all())
    assert token not in repr(rows)
