"""A named person lets one remediation past its holds: one plan, not everything, and loudly."""

import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import HOUR, NOON, World

from firstline.access import Person, Right
from firstline.errors import Rejected
from firstline.guard import Window, Windows
from firstline.store.table import REMEDIATION, WRITE_BACK, BreakerRow


@pytest.fixture
def ann(small: World) -> Person:
    return small.person("ann", Right.GOVERN)


def test_it_covers_what_holds_and_takes_the_target_from_who_has_it(small: World, ann: Person) -> None:
    small.settings(cooldown="5m", flap={"count": 1, "within": "24h"}, rate={"hub": {"count": 1, "per": "1h"}})
    small.windows = Windows([Window("freeze", "Christmas", NOON, NOON + HOUR)])
    small.put(BreakerRow(runbook="shop/restart", environment="prod", failures=3, opened_at=NOON, until=NOON + HOUR))
    case, other = small.case("web1"), small.case("web1", runbook="other")
    small.windows, windows = Windows(), small.windows
    assert small.holding(other) == []
    small.windows = windows
    assert set(small.holding(case)) == {"freeze", "lock", "cooldown", "rate", "breaker"}
    small.override(case, ann)
    assert small.holding(case) == []
    assert small.locked() == {"web1": case.id}


@pytest.mark.parametrize("guard", ["switch", "blast"])
def test_no_person_passes_a_kill_switch_or_the_blast_radius(small: World, ann: Person, guard: str) -> None:
    small.windows = Windows([Window("freeze", "Christmas", NOON, NOON + HOUR)])
    if guard == "switch":
        small.throw("all")
    else:
        small.settings(blast={"targets": 1})
    case = small.case("web1", "web2")
    small.override(case, ann)
    assert small.holding(case) == [guard]
    assert small.locked() == {}


def test_it_is_of_one_plan_of_one_remediation(small: World, ann: Person) -> None:
    small.windows = Windows([Window("freeze", "Christmas", NOON, NOON + HOUR)])
    case, other = small.case("web1"), small.case("web2")
    small.override(case, ann)
    assert small.holding(other) == ["freeze"]
    drifted = small.case("web1", digest="d2")
    case.row["plan_digest"] = drifted.row["plan_digest"]
    assert small.holding(case) == ["freeze"]


def test_everybody_is_told_on_the_incident_in_the_ledger_and_by_an_alarm(small: World, ann: Person) -> None:
    case = small.case("web1")
    rest = {"until": None, "mend": "", "ends": False}
    holds = [{"guard": "freeze", "why": "Christmas", **rest}, {"guard": "switch", "why": "fire drill", **rest}]
    this = sa.update(REMEDIATION).where(REMEDIATION.c.id == case.id).values(holds=holds)
    small.do(this)
    small.override(case, ann, "the shop is down")
    [entry] = small.told(case.id)
    assert (entry["act"], entry["by"]) == ("overridden", "ann")
    assert "the shop is down" in entry["text"]
    assert entry["facts"] == {"plan": case.row["plan_digest"], "holds": holds}
    [note] = small.rows(WRITE_BACK, act="note")
    said = {fact["label"]: fact["value"] for fact in note["body"]["facts"]}
    assert note["reference"]["id"] == case.incident.reference.id
    assert (said["By"], said["Because"], said["Held by"]) == ("ann", "the shop is down", "freeze: Christmas")
    assert said["Still held by"] == "switch: fire drill"
    [alarm] = small.alarms()
    assert "ann let shop/restart past its holds: the shop is down" in alarm["summary"]


def test_when_it_has_ended_nobody_is_called_any_more(small: World, ann: Person) -> None:
    case = small.case("web1")
    small.override(case, ann)
    assert small.holding(case) == []
    small.end(case)
    assert [alarm["resolved"] for alarm in small.alarms()] == [False, True]


def test_what_waits_for_the_clock_goes_on_at_once_and_what_waits_for_an_answer_does_not(
    small: World, ann: Person
) -> None:
    held, asked = small.case("web1"), small.case("web2")
    later = sa.update(REMEDIATION).where(REMEDIATION.c.id == held.id).values(wake_at=small.now + HOUR)
    small.do(later)
    small.override(held, ann)
    small.override(asked, ann)
    due = {row["id"]: row["wake_at"] for row in small.rows(REMEDIATION)}
    assert due == {held.id: small.now, asked.id: None}


def test_who_does_not_govern_its_pack_and_environment_lets_nothing_past(small: World) -> None:
    case = small.case("web1")
    people = [
        small.person("bob", Right.SEE, Right.RUN, Right.APPROVE, Right.WRITE),
        small.person("cid", Right.GOVERN, pack="web"),
        small.person("dan", Right.GOVERN, environment="test"),
    ]
    for person in people:
        with pytest.raises(Rejected, match=f"{person.name} may not govern shop in prod"):
            small.override(case, person)
    assert small.rows(REMEDIATION)[0]["override"] is None
    assert small.told(case.id) == []


def test_it_needs_a_reason_and_something_that_could_go(small: World, ann: Person) -> None:
    case, reading = small.case("web1"), small.case("web2", change=None)
    with pytest.raises(Rejected, match="needs a reason"):
        small.override(case, ann, " ")
    with pytest.raises(Rejected, match="it changes nothing"):
        small.override(reading, ann)
    small.end(case)
    with pytest.raises(Rejected, match="it has ended: proved"):
        small.override(case, ann)


def test_a_second_one_of_the_same_plan_is_refused_and_names_the_first(small: World, ann: Person) -> None:
    case = small.case("web1")
    small.override(case, ann, "the shop is down")
    with pytest.raises(Rejected, match="ann let it past its holds already: the shop is down"):
        small.override(case, ann, "again")
    assert len(small.rows(WRITE_BACK, act="note")) == 1
