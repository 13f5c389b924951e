"""Judges the acts about what may run: by the vendors' records, the hub's ledger, and what the services themselves wrote
down. Pure. The vendors' times have whole seconds."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from firstline.demo import act_freeze
from firstline.demo.claim import Proof, equal
from firstline.demo.people import APPROVER, AUTHOR, GOVERNS, MANAGER, MANAGER_NAME, REQUESTER, SECOND
from firstline.demo.proof import SUCCESSFUL, UNSUCCESSFUL
from firstline.demo.record import Record, Records, Story
from firstline.demo.seen import Seen
from firstline.demo.services import CARDS, ORDERS, PAYROLL, RELAY, SEARCH, Service
from firstline.ledger.entry import HUB

SECOND_LONG = timedelta(seconds=1)


def freeze(records: Records, story: Story, seen: Seen) -> Iterator[Proof]:
    """Act 4."""
    said = [entry.text for entry in story.told(_begun(story, RELAY), "held")]
    named = [text for text in said if "freeze: " in text and act_freeze.NAME in text and "(until 2" in text]
    yield Proof("in the freeze the fix is held; the ledger says by what, why, until when", bool(named), f"{said}")
    shown = all(words in seen.why for words in ("freeze", "holds", act_freeze.NAME, "Until 2"))
    yield Proof("`firstline guard why` says the same to an operator", shown, seen.why)
    ran, lifted = _restarts(seen, RELAY), seen.lifted_at
    after = lifted is not None and len(ran) == 1 and ran[0] > lifted
    yield Proof("the relay was restarted once, after the freeze was lifted", after, f"{ran}, lifted {lifted}")
    yield equal("the relay's change is closed successful", [SUCCESSFUL], _results(records, RELAY))


def eyes(records: Records, story: Story, seen: Seen) -> Iterator[Proof]:
    """Act 5."""
    begun = _begun(story, PAYROLL)
    barred = {entry.by: entry.text for entry in story.told(begun, "not counted")}
    yield equal("two tried whose word does not count", {REQUESTER, AUTHOR}, set(barred))
    why = "asked for it" in barred.get(REQUESTER, "") and "author of the runbook" in barred.get(AUTHOR, "")
    yield Proof("the ledger says why: one asked for it, the other wrote the runbook", why, f"{barred}")
    given = story.told(begun, "approved")
    yield equal("two others let it go, each once", [APPROVER, SECOND], [entry.by for entry in given])
    ran = _restarts(seen, PAYROLL)
    after = len(ran) == 1 and all(entry.at < ran[0] for entry in given)
    yield Proof("payroll was restarted once, after the second of them", after, f"{ran}, {given}")
    yield equal("payroll's change is closed successful", [SUCCESSFUL], _results(records, PAYROLL))


def normal(records: Records, story: Story, seen: Seen) -> Iterator[Proof]:
    """Act 6."""
    begun, change = _begun(story, ORDERS), _change(records, ORDERS)
    yield equal("a normal change was approved by its manager alone", ("normal", (MANAGER_NAME,)), _approved(change))
    yield equal("nobody was asked in the hub", (), story.told(begun, "asked"))
    yield Proof("ServiceNow itself told the hub", (change.number, MANAGER) in story.heard, f"{set(story.heard)}")
    order = [entry.act for entry in story.told(begun, "waits", "approved", "prepared")]
    yield equal("the fix waited, was let go, and was covered", ["waits", "approved", "prepared"], order)
    ran, course = _restarts(seen, ORDERS), change.course
    within = course is not None and len(ran) == 1 and _between(course.approved_at, ran[0], course.work_end)
    began = course is not None and len(ran) == 1 and _between(course.work_start, ran[0], course.work_end)
    yield Proof("orders were restarted once, approved and in Implement", within and began, f"{ran}, {course}")
    yield equal("the normal change is closed successful", [SUCCESSFUL], _results(records, ORDERS))
    covered = [ticket.covered for ticket in records.tickets if ticket.title == ORDERS.title]
    yield equal("the incident names the change", [change.number], covered)


def emergency(records: Records, story: Story, seen: Seen) -> Iterator[Proof]:
    """Act 7."""
    begun, change = _begun(story, CARDS), _change(records, CARDS)
    yield equal("an emergency change was approved by its manager", ("emergency", (MANAGER_NAME,)), _approved(change))
    ran, course = _restarts(seen, CARDS), change.course
    filed = course is not None and len(ran) == 1 and _between(course.created_at, ran[0], course.work_end)
    yield Proof("it was filed before card payments were restarted, once", filed, f"{ran}, {course}")
    waited = course is None or not ran or not _between(ran[0], course.approved_at, course.approved_at)
    yield Proof("they did not wait for its approval", not waited, f"{ran}, {course}")
    order = [entry.act for entry in story.told(begun, "prepared", "proved", "approved afterwards")]
    yield equal("the approval was followed to its end", ["prepared", "proved", "approved afterwards"], order)
    yield equal("the emergency change is closed successful", [SUCCESSFUL], _results(records, CARDS))


def demotion(records: Records, story: Story, seen: Seen) -> Iterator[Proof]:
    """Act 8."""
    found = story.about(SEARCH.title)
    wanted = [("auto", "failed", ""), ("approve", "proved", APPROVER)]
    shown = [(each.mode, each.outcome, each.approved_by) for each in found]
    yield equal("what ran by itself and failed is asked about the next time", wanted, shown)
    lost = [(entry.by, entry.facts) for entry in story.told("mapping:services/search", "demoted")]
    evidence = [(by, facts["mode"], facts["evidence"]) for by, facts in lost]
    named = [(HUB, "approve", {"remediation": each.id}) for each in found[:1]]
    yield Proof("the ledger has the demotion, with its evidence", evidence == named != [], f"{evidence}, not {named}")
    given = [entry.at for each in found[1:] for entry in story.told(each.id, "approved")]
    ran = _restarts(seen, SEARCH)
    asked = len(ran) == 2 and len(given) == 1 and ran[0] < given[0] < ran[1]
    yield Proof("the search was restarted once by itself, and once more when let go", asked, f"{ran}, {given}")
    results = sorted(_results(records, SEARCH))
    yield equal(
        "one change of the search is closed successful, the other unsuccessful", [SUCCESSFUL, UNSUCCESSFUL], results
    )


def pins(story: Story, runbooks: Sequence[str]) -> Iterator[Proof]:
    """Whatever was played. `runbooks`: those that ask for a standard change."""
    wanted = sorted((f"runbook:{runbook}", GOVERNS) for runbook in runbooks)
    found = sorted((entry.subject, entry.by) for entry in story.entries if entry.act == "pinned")
    yield equal("a named person has pre-approved each standard change", wanted, found)


def _begun(story: Story, service: Service) -> str:
    """The id of its only remediation; empty: there is none, or another one too many."""
    found = story.about(service.title)
    return found[0].id if len(found) == 1 else ""


def _change(records: Records, service: Service) -> Record:
    """The first of its changes; an empty one: there is none."""
    empty = Record("servicenow", "change_request", "", "", "")
    return next(iter(records.titled({service.title}).changes), empty)


def _results(records: Records, service: Service) -> list[str]:
    return [change.result for change in records.titled({service.title}).changes]


def _approved(change: Record) -> tuple[str, tuple[str, ...]]:
    return (change.course.type, change.course.approvers) if change.course else ("", ())


def _restarts(seen: Seen, service: Service) -> Sequence[datetime]:
    return seen.restarts.get(service.name, ())


def _between(begin: datetime | None, at: datetime | None, end: datetime | None) -> bool:
    """Whether it was, as far as whole seconds tell."""
    if begin is None or at is None or end is None:
        return False
    return begin.replace(microsecond=0) <= at.replace(microsecond=0) and at < end + SECOND_LONG
