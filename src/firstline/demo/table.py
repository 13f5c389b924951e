"""What a person sees at the end: what happened, what was proved, and where to look."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from firstline.demo.act_fault import BROKEN, FULL, HUNG, changes_for
from firstline.demo.people import APPROVER
from firstline.demo.record import Record, Records
from firstline.demo.services import CARDS, ORDERS, PAYROLL, RELAY, SEARCH, TITLES
from firstline.demo.stage import SYSTEMS, Stage
from firstline.demo.story import Outcome

COLUMNS = ("What happened", "Who was told", "What the hub did", "How it ended")
FAULTS = {
    HUNG: ("The shop hung", "restarted it"),
    FULL: ("The shop's log folder was full", "deleted the old logs"),
    BROKEN: ("The shop's settings were cut off", "restarted it in vain, rolled back, diagnosed"),
}
SYSTEM_NAMES = {"servicenow": "ServiceNow", "jira": "Jira", "pagerduty": "PagerDuty"}
RULES = {
    RELAY: ("The mail relay stood in a freeze", "held it until the freeze was lifted"),
    PAYROLL: ("Payroll's report never ended", "asked two people, did not count who asked and who wrote it"),
    ORDERS: ("Orders were stuck", "waited for the change's approval in ServiceNow"),
    CARDS: ("Nobody could pay by card: an emergency", "mended it at once, followed the change's approval"),
    SEARCH: ("The search broke twice", "failed by itself, lost its mode, asked the next time"),
}


@dataclass(frozen=True)
class Row:
    what: str
    told: str
    did: str
    ended: str


def show(console: Console, outcome: Outcome, stage: Stage) -> None:
    """A table at a terminal, plain lines elsewhere; then what was proved, and the addresses."""
    rows = list(_rows(outcome))
    if console.is_terminal and rows:
        console.print(_table(rows))
    else:
        for row in rows:
            console.print(f"{row.what} | {row.told} | {row.did} | {row.ended}", markup=False)
    _show_proofs(console, outcome)
    for stuck in outcome.stuck:
        console.print(f"STUCK   {stuck}", markup=False, style="bold red")
    if not outcome.right:
        console.print(f"The logs of all processes are in {stage.place.logs}.", markup=False)
    _show_links(console, outcome)
    for name, address in _addresses(stage).items():
        console.print(f"{name:<12} {address}", markup=False)


def _table(rows: list[Row]) -> Table:
    table = Table(*COLUMNS, show_lines=True)
    for row in rows:
        table.add_row(row.what, row.told, row.did, row.ended)
    return table


def _show_proofs(console: Console, outcome: Outcome) -> None:
    for proof in outcome.proofs:
        words = proof.claim if proof.holds else f"{proof.claim}: {proof.seen}"
        console.print("[green]proved[/]" if proof.holds else "[bold red]WRONG[/] ", end="  ")
        console.print(words, markup=False)


def _show_links(console: Console, outcome: Outcome) -> None:
    """Where each rule about what may run was at work: the change that a person sees."""
    for service, (what, _) in RULES.items():
        for change in outcome.records.titled({service.title}).changes:
            console.print(f"{what}: {change.number} {change.url}", markup=False)


def _addresses(stage: Stage) -> dict[str, str]:
    sandboxes = {SYSTEM_NAMES[system]: stage.address(system) for system in SYSTEMS}
    return {"The hub": stage.address("hub"), "  its token": stage.tokens[APPROVER], **sandboxes}


def _rows(outcome: Outcome) -> Iterator[Row]:
    records = outcome.records
    yield from (_fault(page, records) for page in records.pages if page.title in FAULTS)
    if records.without(TITLES).tickets:
        yield _desk(records.without(TITLES))
    yield from (_request(request, records) for request in records.requests if request.number == outcome.seen.request)
    yield from (_rule(service.title, records) for service in RULES if records.titled({service.title}).all)


def _rule(title: str, records: Records) -> Row:
    mine = records.titled({title})
    what, did = next(words for service, words in RULES.items() if service.title == title)
    told = [record for record in mine.all if record.kind != "change_request"]
    systems = ", ".join(f"{SYSTEM_NAMES[record.system]} {record.number}" for record in told)
    return Row(what, systems, did, f"{', '.join(record.state for record in told)}; {_closed(list(mine.changes))}")


def _fault(page: Record, records: Records) -> Row:
    what, did = FAULTS[page.title]
    ended = page.state if page.state == "resolved" else f"{page.state}, {page.result}"
    changes = changes_for(records.changes, page.title)
    return Row(what, f"PagerDuty {page.number}", did if changes else "nothing", f"{ended}; {_closed(changes)}")


def _desk(records: Records) -> Row:
    """Counted from the tickets' own notes."""
    tickets = records.tickets
    noted = [ticket.notes[0] for ticket in tickets if ticket.notes]
    proposed = sum("Firstline suggests" in note for note in noted)
    left = len(tickets) - len(noted)
    return Row(
        f"{len(tickets)} real incidents opened",
        "ServiceNow",
        f"looked up the like of {len(noted) - proposed}, proposed it for {proposed}, left {left} alone",
        f"{len(noted)} tickets have a work note, {left} have none",
    )


def _request(request: Record, records: Records) -> Row:
    changes = changes_for(records.changes, request.title)
    did = "named its plan, waited for a second person" + (", unlocked the account" if changes else "")
    return Row(request.title, f"Jira {request.number}", did, f"{request.state}; {_closed(changes)}")


def _closed(changes: list[Record]) -> str:
    return ", ".join(f"{change.number} {change.state.lower()} {change.result}" for change in changes) or "no change"
