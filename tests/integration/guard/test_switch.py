"""A kill switch stops what is of its scope at its next step, in every process, and fails closed."""

from collections.abc import Callable
from functools import partial
from threading import Event, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import HOUR, World

from firstline.access import Person, Right
from firstline.errors import Rejected
from firstline.guard import Hold
from firstline.remediation.hold import switch
from firstline.store import Database
from firstline.store.table import REMEDIATION, SwitchRow


def switched(world: World, row: dict[str, Any], database: Database | None = None) -> Hold | None:
    return (database or world.database).write_now(lambda connection: switch.switched(connection, row))


@pytest.mark.parametrize(
    "scope",
    [
        "all",
        "connection:pagerduty",
        "connection:servicenow",
        "runbook:shop/restart",
        "service:shop",
        "service:db1",
        "environment:prod",
    ],
)
def test_no_step_of_its_scope_begins_until_it_is_lifted(small: World, scope: str) -> None:
    case = small.case("web1", ci="db1", change=None)
    assert switched(small, case.row) is None
    small.throw(scope)
    held = switched(small, case.row)
    assert held is not None
    assert "fire drill" in held.why
    assert small.holding(case) == ["switch"]
    small.lift(scope)
    assert switched(small, case.row) is None


def test_what_is_of_another_scope_goes_on(small: World) -> None:
    for scope in ("connection:jira", "runbook:shop/other", "service:billing", "environment:test"):
        small.throw(scope)
    case = small.case("web1")
    assert switched(small, case.row) is None
    assert small.holding(case) == []


def test_a_switch_that_this_version_does_not_know_stops_everything_and_can_be_lifted(small: World) -> None:
    small.put(SwitchRow(scope="Region:Berlin", by="ann", reason="made by a newer version"))
    assert switched(small, small.case("web1").row) is not None
    small.lift("Region:Berlin")
    assert switched(small, small.case("web1").row) is None


def test_a_row_that_does_not_say_what_it_is_about_begins_nothing(small: World) -> None:
    row = small.case("web1").row
    del row["service"]
    with pytest.raises(KeyError):
        switched(small, row)


def test_each_throw_and_lift_is_in_the_ledger_and_the_rows_are_bound(small: World) -> None:
    small.throw("service:Shop")
    assert small.unbound("switch") == []
    small.lift("service:shop")
    said = [(one["act"], one["by"], one["text"]) for one in small.told("switch:service:shop")]
    assert said == [("thrown", "ann", "fire drill"), ("lifted", "ann", "it is over")]
    assert small.unbound("switch") == []


def test_without_a_reason_nothing_is_thrown_or_lifted(small: World) -> None:
    for act in (switch.throw, switch.lift):
        with pytest.raises(Rejected, match="with a reason"):
            small.database.write_now(partial(act, text="all", by="ann", reason="  "))


def test_what_is_thrown_is_not_thrown_twice_nor_lifted_when_it_is_not(small: World) -> None:
    with pytest.raises(Rejected, match="is not thrown"):
        small.lift("all")
    small.throw("all")
    with pytest.raises(Rejected, match="thrown already, by ann: fire drill"):
        small.throw("ALL")


def test_when_a_throw_returns_whoever_looked_before_has_written_that_it_begins(
    world: World, open_database: Callable[[], Database]
) -> None:
    """No step begins after the throw: one that looked before it is in the database when the throw returns."""
    case, hub, operator = world.case("web1"), open_database(), open_database()
    looked, go_on, order = Event(), Event(), list[str]()

    def begin(connection: sa.Connection) -> None:
        assert switch.switched(connection, case.row) is None
        looked.set()
        assert go_on.wait(20)
        connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.id == case.id).values(reason="began"))
        order.append("began")

    def throw(connection: sa.Connection) -> None:
        switch.throw(connection, "all", "ann", "fire drill")
        order.append("thrown")
        began = connection.scalar(sa.select(REMEDIATION.c.reason).where(REMEDIATION.c.id == case.id))
        order.append(f"sees that it {began}")

    stepping = Thread(target=hub.write_now, args=(begin,))
    stepping.start()
    assert looked.wait(20)
    throwing = Thread(target=operator.write_now, args=(throw,))
    throwing.start()
    go_on.set()
    stepping.join(20)
    throwing.join(20)
    assert order == ["began", "thrown", "sees that it began"]
    assert switched(world, case.row, hub) is not None


def test_what_was_held_is_looked_at_again_when_a_switch_is_lifted(small: World) -> None:
    held, waits = small.case("web1"), small.case("web2")
    small.throw("all")
    later = {"wake_at": small.now + HOUR * 9999}
    for case, holds in ((held, [{"guard": "switch", "why": "x"}]), (waits, None)):
        this = sa.update(REMEDIATION).where(REMEDIATION.c.id == case.id).values(holds=holds, **later)
        small.do(this)
    small.lift("all")
    due = {row["id"]: row["wake_at"] < later["wake_at"] for row in small.rows(REMEDIATION)}
    assert due == {held.id: True, waits.id: False}


def test_a_runbook_is_stopped_by_who_governs_its_pack_and_all_else_by_who_governs_every_pack(small: World) -> None:
    of_pack = small.person("bob", Right.GOVERN, pack="shop")
    of_all = small.person("cid", Right.GOVERN)
    nobody = small.person("dan", Right.SEE, Right.APPROVE, Right.WRITE, Right.RUN)
    case = small.case("web1")
    scopes = (f"remediation:{case.id}", "runbook:shop/restart", "runbook:web/restart", "service:shop", "all", "x")

    def may(person: Person) -> list[bool]:
        return small.database.read_now(lambda c: [switch.may(c, person, scope, "prod") for scope in scopes])

    assert may(of_pack) == [True, True, False, False, False, False]
    assert all(may(of_all))
    assert not any(may(nobody))
