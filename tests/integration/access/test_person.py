"""Who is who: names, groups, accounts, and what is granted through them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from tests.integration.access.conftest import Do, ask

from firstline.access import (
    Right,
    by_account,
    delegated_to,
    delegation,
    find,
    grant,
    group,
    groups_of,
    is_one_of,
    roll,
    token,
    who_may,
)
from firstline.access.oneself import Barred
from firstline.errors import Rejected
from firstline.store import Database
from firstline.store.table import now

pytestmark = pytest.mark.usefixtures("crew")


def test_a_grant_to_a_group_is_its_members_as_long_as_they_are_in_it(database: Database, do: Do) -> None:
    ann = ask(database, find, "ann")
    do(group.leave, "sre", "ann")
    left = ask(database, find, "ann")
    assert ann
    assert left
    assert ann.may(Right.APPROVE, pack="shop", environment="prod")
    assert not ann.may(Right.APPROVE, pack="net", environment="prod")
    assert not ann.may(Right.APPROVE, pack="*")
    assert not left.may(Right.APPROVE)


def test_who_is_off_is_nobody(database: Database, do: Do) -> None:
    do(roll.turn_off, "ann", reason="left")
    assert ask(database, find, "ann") is None
    assert ask(database, groups_of, "ann") == set()
    assert not ask(database, is_one_of, "ann", ["ann", "sre"])
    assert ask(database, who_may, Right.APPROVE, "shop", "prod") == ["bob"]


def test_everybody_who_may_is_named_whatever_way_the_right_comes(database: Database, do: Do) -> None:
    do(grant.grant, "person:cas", [Right.APPROVE], environment="prod")
    do(grant.grant, "person:ann", [Right.APPROVE])
    assert ask(database, who_may, Right.APPROVE, "shop", "prod") == ["ann", "bob", "cas"]
    assert ask(database, who_may, Right.APPROVE, "net", "test") == ["ann"]
    assert ask(database, who_may, Right.GOVERN, "shop", "prod") == []


def test_two_who_claim_one_account_at_the_same_moment_do_not_both_get_it(database: Database) -> None:
    def claim(name: str) -> str:
        try:
            database.write_now(lambda c: roll.add(c, name, by="os:root", accounts={"servicenow": "k.lee"}))
        except Rejected:
            return ""
        return name

    with ThreadPoolExecutor(4) as pool:
        won = [name for name in pool.map(claim, ("kim", "kay", "kit", "ken")) if name]
    assert won == [ask(database, by_account, "servicenow", ["K.Lee"])]


def test_a_name_is_a_person_or_a_group_among_those_asked(database: Database) -> None:
    among = [("ann", ["sre"]), ("ann", ["ann"]), ("cas", ["sre", "ann"]), ("sre", ["sre"]), ("ann", [])]
    assert [ask(database, is_one_of, *one) for one in among] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_person_is_found_by_their_account_or_email_whatever_the_case(database: Database, do: Do) -> None:
    do(roll.change, "ann", email="Ann@Example.com", accounts={"servicenow": "ANN.K"})
    asked = [("servicenow", ["x", "ann.k"]), ("jira", ["ann.k"]), ("jira", ["ann@example.COM"]), ("jira", ["", " "])]
    assert [ask(database, by_account, *one) for one in asked] == ["ann", None, "ann", None]


@pytest.mark.parametrize(
    "known",
    [
        {"email": "ANN@example.com"},
        {"accounts": {"servicenow": "Ann.K"}},
        {"accounts": {"jira": "ann@example.com"}},
    ],
)
def test_an_account_is_one_persons(do: Do, known: dict[str, object]) -> None:
    do(roll.change, "ann", email="ann@example.com", accounts={"servicenow": "ann.k"})
    with pytest.raises(Rejected, match="is ann's already"):
        do(roll.add, "eve", **known)
    do(roll.add, "eve", accounts={"jira": "ann.k"})


def test_a_name_that_could_be_taken_for_another_is_refused(do: Do) -> None:
    for name in ("", " ann", "os:root", "a/b", "*", "firstline", "a\nb", "-f", "Ann", "SRE", "sre", "x" * 101):
        with pytest.raises(Rejected):
            do(roll.add, name)


def test_a_group_is_not_called_as_a_person_is(do: Do) -> None:
    for name in ("bob", "Bob", "Sre", "group:x"):
        with pytest.raises(Rejected):
            do(group.join, name, "cas")


def test_a_grant_is_taken_away_as_it_was_given_and_not_otherwise(database: Database, do: Do) -> None:
    with pytest.raises(Rejected, match="was not granted that everywhere"):
        do(grant.revoke, "group:sre", [Right.APPROVE])
    do(grant.revoke, "group:sre", [Right.APPROVE], pack="shop")
    ann = ask(database, find, "ann")
    assert ann
    assert [right for right in Right if ann.may(right)] == [Right.SEE]


def test_nobody_gives_anything_to_themselves(do: Do) -> None:
    do(grant.grant, "person:ann", [Right.GOVERN])
    until = now() + timedelta(days=1)
    gifts: list[Callable[[], Any]] = [
        lambda: do(grant.grant, "person:ann", [Right.RUN], by="ann"),
        lambda: do(grant.grant, "group:sre", [Right.RUN], by="ann"),
        lambda: do(group.join, "chiefs", "ann", by="ann"),
        lambda: do(roll.change, "ann", email="other@example.com", by="ann"),
        lambda: do(token.give_token, "ann", by="ann"),
        lambda: do(delegation.delegate, "bob", "ann", until=until, reason="x", by="ann"),
    ]
    for gift in gifts:
        with pytest.raises(Barred, match="ann can't give that to themselves"):
            gift()
    do(grant.grant, "person:cas", [Right.RUN], by="ann")
    do(delegation.delegate, "ann", "cas", until=until, reason="away", by="ann")


def test_a_delegation_holds_for_its_time_and_while_both_are_on(database: Database, do: Do) -> None:
    begin = now() + timedelta(days=1)
    made = do(delegation.delegate, "ann", "cas", since=begin, until=begin + timedelta(days=2), reason="away")

    def givers(days: float, taker: str = "cas") -> Any:
        return ask(database, delegated_to, taker, begin + timedelta(days=days))

    assert [givers(-0.1), givers(0.1), givers(1.9), givers(2.1)] == [set(), {"ann"}, {"ann"}, set()]
    assert givers(0.1, "ann") == set()
    for name in ("ann", "cas"):
        do(roll.turn_off, name)
        assert givers(0.1) == set()
        do(roll.turn_on, name)
    do(delegation.end, made)
    assert givers(0.1) == set()


def test_a_delegation_to_nobody_oneself_or_for_no_time_is_refused(do: Do) -> None:
    later = now() + timedelta(days=1)
    for giver, taker, until in (("ann", "eve", later), ("ann", "ann", later), ("ann", "cas", now())):
        with pytest.raises(Rejected):
            do(delegation.delegate, giver, taker, until=until, reason="x")
