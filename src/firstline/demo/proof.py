"""Judges the records: what the story claims, and whether it came out so. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping

from firstline.demo import act_fault
from firstline.demo.act_fault import BROKEN, FULL, HUNG
from firstline.demo.claim import Proof, equal
from firstline.demo.record import Record, Records, Story
from firstline.demo.seen import Seen
from firstline.demo.services import TITLES

SUCCESSFUL, UNSUCCESSFUL = "successful", "unsuccessful"


def faults(records: Records, _: Story, seen: Seen) -> Iterator[Proof]:
    """Act 1."""
    shop = seen.shop
    yield equal(
        "the monitor paged three times", Counter({HUNG: 1, FULL: 1, BROKEN: 1}), Counter(_titles(_own(records).pages))
    )
    for title in (HUNG, FULL):
        yield equal(
            f"{title!r} is resolved in PagerDuty", ["resolved"], [p.state for p in _titled(_own(records).pages, title)]
        )
        yield equal(f"{title!r}: the shop answered again", 200, shop.answers.get(title))
        yield equal(f"{title!r}: one change, closed successful", [SUCCESSFUL], _results(records, title))
    restarted = shop.hung_pid != shop.restarted_pid and shop.restarted_pid > 0
    yield Proof("the hung process was replaced by another", restarted, f"{shop.hung_pid}, then {shop.restarted_pid}")
    yield equal("the old logs are gone", 0, shop.old_logs)
    broken = _titled(_own(records).pages, BROKEN)
    yield equal(f"{BROKEN!r} stays open", [True], [page.state != "resolved" for page in broken])
    yield equal(f"{BROKEN!r} is escalated to the second line", [True], [act_fault.escalated(page) for page in broken])
    yield equal(f"{BROKEN!r}: one change, closed unsuccessful", [UNSUCCESSFUL], _results(records, BROKEN))
    diagnosed = [any("its last words" in note and "can't be read" in note for note in page.notes) for page in broken]
    yield equal(f"{BROKEN!r}: the diagnosis is on the incident", [True], diagnosed)
    yield Proof(
        "the rollback put the cache back as it was",
        shop.visits_before is not None and shop.visits_before == shop.visits_after,
        f"{shop.visits_before} visits before, {shop.visits_after} after",
    )
    yield equal("the shop was started once by each restart, and once at first", 3, shop.starts)
    yield equal("each page has its outcome once", [1] * 3, [len(page.outcomes) for page in _own(records).pages])
    yield Proof(
        "each page has at most a start note beside it",
        all(len(page.notes) <= 2 for page in _own(records).pages),
        f"{[len(page.notes) for page in _own(records).pages]} notes",
    )


def desk(records: Records, _: Story, seen: Seen) -> Iterator[Proof]:
    """Act 2."""
    modes = seen.modes
    tickets = {ticket.number: ticket for ticket in _own(records).tickets}
    yield equal(f"{len(modes)} incidents are in ServiceNow", sorted(modes), sorted(tickets))
    for mode, word in (("auto", "looked up"), ("suggest", "proposed"), ("", "left alone")):
        mine = [tickets[number] for number, wanted in modes.items() if wanted == mode and number in tickets]
        wrong = [ticket.number for ticket in mine if not _noted(ticket, mode)]
        yield Proof(f"{len(mine)} of them were {word}: {_promise(mode)}", not wrong, f"not so: {', '.join(wrong)}")


def _promise(mode: str) -> str:
    return {"auto": "one work note with the result each", "suggest": "one work note with the suggestion each"}.get(
        mode, "no note, no change of state"
    )


def _noted(ticket: Record, mode: str) -> bool:
    """Exactly one note of the right kind, a start note aside, or none; never anything the caller reads, never a change
    of state."""
    if ticket.public or ticket.state != "New":
        return False
    if not mode:
        return not ticket.notes
    words = f"{ticket.number}: {ticket.title}" if mode == "auto" else "Firstline suggests"
    return len(ticket.outcomes) == 1 and words in ticket.outcomes[0]


def request(records: Records, _: Story, seen: Seen) -> Iterator[Proof]:
    """Act 3."""
    mine = [request for request in _own(records).requests if request.number == seen.request]
    yield equal("the request was asked about once, and answered once", [2], [len(request.notes) for request in mine])
    asked = [bool(request.notes) and "asks" in request.notes[0] for request in mine]
    yield equal("the plan was named before anything ran", [True], asked)
    yield equal("nothing was unlocked before the approval", seen.accounts_before, seen.accounts_asked)
    wanted = {name: dict(account) for name, account in seen.accounts_before.items()}
    wanted[seen.account] = {**wanted.get(seen.account, {}), "locked": False, "failed_passwords": 0}
    yield equal("the account is open, and no other was touched", wanted, seen.accounts_after)
    yield equal(
        "the request's change is closed successful", [SUCCESSFUL], _results(records, mine[0].title if mine else "?")
    )
    yield equal(
        "the request is resolved", [True], [request.state in ("Resolved", "Done", "Closed") for request in mine]
    )
    others = [request for request in _own(records).requests if request.number != seen.request]
    touched = [request.number for request in others if request.notes or request.public]
    yield Proof(f"the other {len(others)} requests were left alone", not touched, ", ".join(touched))


def changes(records: Records, items: Mapping[str, int]) -> Iterator[Proof]:
    """Whatever was played. `items`: how many changes there should be of each."""
    yield equal(f"there are {sum(items.values())} changes and no more", sum(items.values()), len(records.changes))
    open_changes = [change.number for change in records.changes if change.state != "Closed"]
    yield Proof("every change is closed", not open_changes, ", ".join(open_changes))
    yield equal("every change covers its item", Counter(items), Counter(change.ci for change in records.changes))
    bare = [change.number for change in records.changes if "digest" not in change.evidence]
    yield Proof("every change was in Implement and carries its evidence", not bare, ", ".join(bare))


def _own(records: Records) -> Records:
    """Without those of the acts about what may run."""
    return records.without(TITLES)


def _titles(records: tuple[Record, ...]) -> list[str]:
    return [record.title for record in records]


def _titled(records: tuple[Record, ...], title: str) -> list[Record]:
    return [record for record in records if record.title == title]


def _results(records: Records, title: str) -> list[str]:
    """How the changes for the record with this title were closed."""
    return [change.result for change in act_fault.changes_for(records.changes, title)]
