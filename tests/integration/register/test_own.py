"""Firstline's own register: beyond what every register does."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.register.conftest import END, HUB, START, normal, standard, told

from firstline.connector import Approval, Evidence
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.register import OwnRegister
from firstline.store import Database
from firstline.store.table import CHANGE

pytestmark = pytest.mark.anyio

BEGINS = Evidence(notes="Firstline begins.")
DONE = Evidence(notes="It answers again.", result="successful", work_start=START, work_end=END)
YES = Approval(state="approved", by=("ann",), comment="go")
NO = Approval(state="refused", by=("ben",), comment="not today")


async def test_a_change_is_called_by_its_number_and_has_a_page(register: OwnRegister) -> None:
    opened = await register.open(standard())
    assert opened == Reference(
        connection="firstline", kind="change", id="CHG0000001", number="CHG0000001", url=f"{HUB}/changes/CHG0000001"
    )


async def test_a_number_is_not_given_again_when_the_last_change_was_taken_away(
    register: OwnRegister, database: Database
) -> None:
    await register.open(standard("key-1"))
    database.write_now(lambda connection: connection.execute(sa.delete(CHANGE)))
    assert (await register.open(standard("key-2"))).number == "CHG0000002"


async def test_what_changes_nothing_writes_nothing(register: OwnRegister, database: Database) -> None:
    opened = await register.open(normal())
    await register.request(opened, BEGINS)
    await register.decided(opened, YES)
    before = told(database)
    await register.open(normal())
    await register.request(opened, BEGINS)
    await register.decided(opened, YES)
    await register.move(opened, "authorize", BEGINS)
    assert told(database) == before


async def test_a_second_answer_does_not_undo_the_first(register: OwnRegister) -> None:
    opened = await register.open(normal())
    await register.request(opened, BEGINS)
    await register.decided(opened, NO)
    with pytest.raises(Rejected, match="refused already by ben"):
        await register.decided(opened, YES)
    assert (await register.standing(opened)).approval == Approval(
        state="refused", by=("ben",), accounts=("ben",), comment="not today"
    )


async def test_nobody_answers_what_was_not_asked(register: OwnRegister) -> None:
    opened = await register.open(normal())
    with pytest.raises(Rejected, match="nobody is asked"):
        await register.decided(opened, YES)
    await register.move(opened, "canceled", Evidence(notes="Not needed."))
    with pytest.raises(Rejected, match="nobody is asked"):
        await register.decided(opened, YES)


@pytest.mark.parametrize("answer", [Approval(state="waiting", by=("ann",)), Approval(state="approved")])
async def test_an_answer_is_a_yes_or_a_no_and_somebodys(register: OwnRegister, answer: Approval) -> None:
    opened = await register.open(normal())
    await register.request(opened, BEGINS)
    with pytest.raises(Rejected, match="names who gave it"):
        await register.decided(opened, answer)


async def test_who_let_a_pre_approved_change_go_stands_on_it(register: OwnRegister) -> None:
    opened = await register.open(standard())
    await register.decided(opened, YES)
    await register.move(opened, "implement", BEGINS)
    assert (await register.standing(opened)).approval.by == ("ann",)


async def test_an_emergency_waits_like_a_normal_change_unless_policy_lets_it_run_first(database: Database) -> None:
    opened = await OwnRegister(database).open(normal(type="emergency"))
    with pytest.raises(Rejected, match="waits"):
        await OwnRegister(database).move(opened, "implement", BEGINS)
    first = OwnRegister(database, emergency_first=True)
    await first.move(opened, "implement", BEGINS)
    await first.move(opened, "closed", DONE)
    assert (await first.standing(opened)).approval.state == "waiting"
    await first.decided(opened, NO)
    standing = await first.standing(opened)
    assert (standing.state, standing.approval.state) == ("closed", "refused")


async def test_a_change_that_is_at_work_is_not_planned_anew(register: OwnRegister) -> None:
    opened = await register.open(standard())
    with pytest.raises(Rejected, match="after the planned start"):
        await register.reschedule(opened, END, START, "ann")
    await register.move(opened, "implement", BEGINS)
    with pytest.raises(Rejected, match="settled"):
        await register.reschedule(opened, START, END, "ann")


async def test_a_standard_change_without_a_template_is_refused_and_leaves_no_gap(register: OwnRegister) -> None:
    with pytest.raises(Rejected, match="template"):
        await register.open(standard(template=""))
    assert (await register.open(standard())).number == "CHG0000001"


@pytest.mark.parametrize(
    "reference",
    [
        Reference(connection="firstline", kind="change", id="CHG0000009"),
        Reference(connection="firstline", kind="change", id="CHG1"),
        Reference(connection="servicenow", kind="change_request", id="0" * 32),
    ],
)
async def test_what_is_not_in_it_is_refused(register: OwnRegister, reference: Reference) -> None:
    with pytest.raises(Rejected):
        await register.standing(reference)
    with pytest.raises(Rejected):
        await register.move(reference, "implement", BEGINS)


async def test_a_change_on_the_same_item_in_the_same_time_conflicts_the_first_goes_first(register: OwnRegister) -> None:
    one, two = await register.open(standard("one")), await register.open(standard("two", ci=" SHOP1"))
    assert await register.conflicts(one) == []
    (found,) = await register.conflicts(two)
    assert (found.kind, found.url) == ("change", one.url)
    assert found.what == "CHG0000001 Restart the shop, in new"


async def test_a_change_at_work_conflicts_with_an_earlier_one(register: OwnRegister) -> None:
    one, two = await register.open(standard("one")), await register.open(standard("two"))
    await register.move(two, "implement", BEGINS)
    assert [found.url for found in await register.conflicts(one)] == [two.url]


@pytest.mark.parametrize(
    "other",
    [
        standard("other", ci="shop2"),
        standard("other", planned_start=END, planned_end=END + timedelta(hours=1)),
        normal("other"),  # nobody has let it go
        standard("other", ci=""),
    ],
    ids=["another item", "another time", "not approved", "no item"],
)
async def test_what_does_not_touch_it_is_no_conflict(register: OwnRegister, other: object) -> None:
    await register.open(other)  # type: ignore[arg-type]
    assert await register.conflicts(await register.open(standard())) == []


async def test_a_change_that_has_ended_is_no_conflict(register: OwnRegister) -> None:
    one = await register.open(standard("one"))
    await register.move(one, "closed", DONE)
    assert await register.conflicts(await register.open(standard("two"))) == []


async def test_a_time_that_nobody_planned_is_any_time(register: OwnRegister) -> None:
    await register.open(standard("one", planned_start=None, planned_end=None))
    assert len(await register.conflicts(await register.open(standard("two")))) == 1
