"""How much a mapping does by itself is earned with what it has shown, and lost at once. The ledger has each change."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.course.folder import SERVICENOW
from tests.integration.course.stage import Make, Stage

from firstline.errors import Rejected
from firstline.intake.review import review
from firstline.mapping.model import Mode
from firstline.remediation.autonomy import mode, promotion
from firstline.store import clock
from firstline.store.table import LEDGER

pytestmark = pytest.mark.anyio

KEY = ("shop/mend", "test")
FAILS = 'echo ran >>"$1/runs"'  # and does not mend it


def promote(shop: Stage, to: Mode = "auto", by: str = "ann", needed: int = 1, register: str = "") -> promotion.Record:
    [mapping] = shop.hub.decider.declarations.matcher.mappings
    return shop.hub.database.write_now(
        lambda c: promotion.promote(c, mapping, "test", to, by, "it has shown it", needed, register)
    )


def lower(shop: Stage, to: Mode) -> None:
    [mapping] = shop.hub.decider.declarations.matcher.mappings
    shop.hub.database.write_now(lambda c: promotion.lower(c, mapping, "test", to, "ann", "enough"))


def moved(shop: Stage) -> str:
    return str(shop.read(mode.read)[KEY].mode)


def entry(shop: Stage, act: str) -> dict[str, Any]:
    query = sa.select(LEDGER.c.entry).filter_by(subject="mapping:shop/mend").order_by(LEDGER.c.id)
    entries: list[dict[str, Any]] = [json.loads(each) for each in shop.read(lambda c: c.execute(query).scalars().all())]
    return [one for one in entries if one["act"] == act][-1]


def look(shop: Stage) -> int:
    due = partial(review, declarations=shop.hub.decider.declarations, environment="test", earned=False)
    return shop.hub.database.write_now(due)


async def proved(shop: Stage, number: int) -> None:
    """One more is let go by a person, and proved."""
    await shop.incident(number)
    await shop.answer("bea")
    assert shop.row()["outcome"] == "proved"
    await shop.write()  # its change is closed, and in nobody's way


async def test_after_enough_proofs_a_person_promotes_it_and_it_runs_by_itself(stage: Make) -> None:
    shop = await stage(mode="approve")
    await proved(shop, 1)
    with pytest.raises(Rejected, match="needs 2 verified successes"):
        promote(shop, needed=2)
    await proved(shop, 2)
    assert promote(shop, needed=2).successes == 2
    await shop.incident(3)
    assert (shop.row()["mode"], shop.row()["outcome"], shop.row()["approved_by"]) == ("auto", "proved", "")
    given = entry(shop, "mode set")
    assert (given["by"], given["facts"]["evidence"]["successes"]) == ("ann", 2)


async def test_who_wrote_the_runbook_does_not_promote_it(stage: Make) -> None:
    shop = await stage(mode="approve", author="ann")
    await proved(shop, 1)
    with pytest.raises(Rejected, match="author of the runbook"):
        promote(shop)


async def test_what_an_older_version_has_shown_does_not_count(stage: Make) -> None:
    shop = await stage(mode="approve")
    await proved(shop, 1)
    shop.edit("mend", "echo ran", "echo ran ran")
    with pytest.raises(Rejected, match="it has 0"):
        promote(shop)


@pytest.mark.parametrize(
    ("name", "before", "after"), [("mend", "echo ran", "true; echo ran"), ("mapping.yaml", "does not", "does")]
)
async def test_an_edit_takes_a_promotion_back_at_once_and_the_ledger_says_so(
    stage: Make, name: str, before: str, after: str
) -> None:
    shop = await stage(mode="approve")
    await proved(shop, 1)
    promote(shop)
    shop.edit(name, before, after)
    await shop.incident(2, title="shop does not answer does answer")
    assert (shop.row()["stage"], shop.row()["mode"]) == ("waiting", "approve")
    assert look(shop) == 1
    assert entry(shop, "demoted")["text"].endswith("its files were edited since it was promoted")
    assert (look(shop), moved(shop)) == (0, "approve")


async def test_a_failed_verification_takes_auto_away_until_it_is_earned_again(stage: Make) -> None:
    shop = await stage(mend=FAILS)
    await shop.incident(1)
    assert (shop.row()["outcome"], moved(shop)) == ("failed", "approve")
    assert entry(shop, "demoted")["facts"]["evidence"] == {"remediation": shop.row()["id"]}
    assert "runs by itself no more" in shop.acts("demoted")[0]
    await shop.incident(2)
    assert (shop.row()["stage"], shop.runs()) == ("waiting", 2)
    with pytest.raises(Rejected, match="it has 0"):
        promote(shop)


async def test_a_failure_in_auto_ends_the_record_that_was_shown_before(stage: Make) -> None:
    shop = await stage(mode="approve", mend='[ -e "$1/broken" ] || touch "$1/mended"; echo ran >>"$1/runs"')
    await proved(shop, 1)
    promote(shop)
    (shop.marks / "mended").unlink()
    (shop.marks / "broken").touch()
    await shop.incident(2)
    assert (shop.row()["outcome"], moved(shop)) == ("failed", "approve")
    with pytest.raises(Rejected, match="failed or came back"):
        promote(shop)


async def test_an_incident_that_comes_back_within_a_day_takes_auto_away(stage: Make) -> None:
    shop = await stage()
    await shop.incident(1)
    await shop.incident(1, event_type="incident.reopened", agent={"type": "user_reference", "id": "PU", "summary": "x"})
    assert moved(shop) == "approve"
    assert "was reopened after it was proved" in shop.acts("reopened")[0]


async def test_one_that_comes_back_later_is_another_fault(stage: Make) -> None:
    shop = await stage()
    await shop.incident(1)
    await shop.wait(hours=25)
    await shop.incident(1, event_type="incident.reopened", agent={"type": "user_reference", "id": "PU", "summary": "x"})
    assert shop.read(mode.read) == {}


async def test_a_tripped_breaker_takes_auto_away(stage: Make) -> None:
    shop = await stage(mend=FAILS, settings="[guards]\nbreaker = {failures = 1}\n")
    await shop.incident(1)
    assert moved(shop) == "approve"
    assert entry(shop, "demoted")["text"].endswith("the circuit breaker of its runbook tripped")


async def test_a_runbook_whose_review_is_overdue_runs_on_a_persons_word(stage: Make) -> None:
    on = clock.now().date() + timedelta(days=1)
    shop = await stage(runbook=f"review: {on}\n")
    await shop.incident(1)
    assert (shop.row()["outcome"], look(shop)) == ("proved", 0)
    await shop.wait(days=3)
    await shop.incident(2)
    assert (shop.row()["stage"], shop.row()["mode"]) == ("waiting", "approve")
    assert (look(shop), moved(shop), look(shop)) == (1, "approve", 0)
    assert f"was due on {on}" in entry(shop, "demoted")["text"]


@pytest.mark.parametrize(("to", "outcome"), [("observe", ""), ("suggest", "suggested")])
async def test_what_a_person_has_taken_runs_nothing(stage: Make, to: Mode, outcome: str) -> None:
    shop = await stage()
    lower(shop, to)
    await shop.incident(1)
    assert [row["outcome"] for row in shop.rows()] == ([outcome] if outcome else [])
    assert shop.runs() == 0


async def test_what_only_observed_may_be_given_more(stage: Make) -> None:
    shop = await stage(mode="observe")
    promote(shop, "approve")
    await shop.incident(1)
    assert (shop.row()["stage"], shop.runs()) == ("waiting", 0)


async def test_what_has_to_be_earned_asks_a_person_though_its_file_says_auto(stage: Make) -> None:
    shop = await stage(settings='[modes]\nautonomy = "earned"\n')
    await shop.incident(1)
    assert (shop.row()["stage"], shop.runs()) == ("waiting", 0)
    await shop.answer("bea")
    await shop.write()
    promote(shop)
    await shop.incident(2)
    assert (shop.row()["mode"], shop.row()["outcome"]) == ("auto", "proved")


async def test_a_promotion_proposes_a_standard_change_with_the_evidence_and_once(stage: Make) -> None:
    shop = await stage(SERVICENOW.replace("require_pin = false", "require_pin = true"), mode="approve")
    await shop.incident(1)
    shop.desk("approve")
    await shop.wait(minutes=10)
    assert shop.row()["outcome"] == "proved"
    assert promotion.taker(shop.hub.settings) == "servicenow"
    promote(shop, register="servicenow")
    promote(shop, register="servicenow")
    shop.trouble(status=503, times=1000)
    await shop.write()
    assert shop.table("std_change_proposal") == []
    shop.trouble(status=503, times=0)
    await shop.wait(minutes=5)
    await shop.write()
    [proposal] = shop.table("std_change_proposal")
    assert "1 runs" in json.dumps(proposal)
    [(act, said)] = shop.told("runbook:shop/mend")
    assert (act, "Proposed shop/mend 1.0.0" in said) == ("proposed", True)


async def test_the_hubs_own_register_takes_no_proposals(stage: Make) -> None:
    shop = await stage(mode="approve")
    assert promotion.taker(shop.hub.settings) == ""
