"""Every act about people leaves the ledger true: the last entry about each row says how it is, and none is untold."""

from datetime import timedelta

import orjson
import pytest
from tests.integration.access.conftest import Do

from firstline.access import Right, delegation, grant, group, roll, sign_in, token
from firstline.ledger.facet import FACETS, REMOVED, digests
from firstline.store import Database
from firstline.store.table import LEDGER, TOKEN, now

OURS = ("person", "member", "grant", "delegation", "token")


def told(database: Database) -> dict[str, str]:
    """What the last entry about each row says of it."""
    entries = database.read_now(lambda c: c.execute(LEDGER.select().order_by(LEDGER.c.id)).mappings().all())
    rows: dict[str, str] = {}
    for each in entries:
        rows.update(orjson.loads(each["entry"])["rows"])
    return {label: digest for label, digest in rows.items() if digest != REMOVED}


def kept(database: Database) -> dict[str, str]:
    """How the rows are."""
    return database.read_now(lambda c: {row: digest for name in OURS for row, digest, _ in digests(c, FACETS[name])})


@pytest.mark.usefixtures("crew")
def test_the_ledger_says_how_every_row_is(database: Database, do: Do) -> None:
    do(roll.change, "ann", email="ann@example.com", accounts={"jira": "ann"}, contact="mailto:ann@example.com")
    do(roll.turn_off, "cas", reason="left, with token=abcdefgh12345678 in the reason")
    do(roll.turn_on, "cas")
    do(grant.grant, "person:cas", [Right.RUN], pack="net", environment="prod")
    do(grant.revoke, "group:sre", [Right.SEE], pack="shop")
    do(group.leave, "sre", "bob")
    do(token.give_token, "cas", name="laptop", rights=[Right.RUN])
    do(token.revoke_token, database.read_now(lambda c: c.execute(TOKEN.select()).scalar_one()))
    until = now() + timedelta(days=1)
    do(delegation.end, do(delegation.delegate, "ann", "cas", until=until, reason="password=abcdefgh1234"))
    assert {label.partition("/")[0] for label in kept(database)} == set(OURS)
    assert told(database) == kept(database)


@pytest.mark.usefixtures("crew")
def test_a_row_that_was_changed_behind_its_back_is_not_as_the_ledger_says(database: Database) -> None:
    database.write_now(lambda c: c.exec_driver_sql("UPDATE fl_grant SET pack = '*'"))
    assert told(database) != kept(database)


def refusals(database: Database) -> list[dict[str, str]]:
    entries = database.read_now(lambda c: c.execute(LEDGER.select().order_by(LEDGER.c.id)).mappings().all())
    return [one for one in (orjson.loads(each["entry"]) for each in entries) if one["act"] == "sign-in refused"]


@pytest.mark.usefixtures("crew")
def test_a_storm_of_refused_sign_ins_does_not_fill_the_ledger(database: Database, do: Do) -> None:
    at = now()
    lost = do(token.give_token, "ann")
    do(roll.turn_off, "ann")

    def refuse(opens: str, minutes: float = 0) -> None:
        database.write_now(
            lambda c: sign_in.refused(c, opens, "POST /sign-in from 1.2.3.4", at + timedelta(minutes=minutes))
        )

    for number in range(30):
        refuse(f"fl_{number}")
    assert len(refusals(database)) == sign_in.MOST
    assert "more of them within 10 minutes are not told" in refusals(database)[-1]["text"]
    assert not database.read_now(lambda c: sign_in.is_told(c, "fl_x", at))
    refuse(lost)  # a storm of others hides no token that was somebody's
    assert refusals(database)[-1]["subject"] == "sign-in:ann"
    assert "a token of ann, who is off" in refusals(database)[-1]["text"]
    refuse("fl_x", minutes=11)
    assert len(refusals(database)) == sign_in.MOST + 2
    assert lost not in repr(refusals(database))
