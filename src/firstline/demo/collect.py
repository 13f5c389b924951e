"""Reads the records of the three sandboxes, each of which tells all of its state at GET /sandbox/state, and the hub's
own."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from firstline.demo.record import Course, Entry, Record, Records, Remediation, Story
from firstline.demo.stage import Stage

CHANGE_STATES = {
    "-5": "New",
    "-4": "Assess",
    "-3": "Authorize",
    "-2": "Scheduled",
    "-1": "Implement",
    "0": "Review",
    "3": "Closed",
    "4": "Canceled",
}
DONE = ("Resolved", "Completed", "Closed")  # a request's statuses of the sandbox's category "done" that solve it
INCIDENT_STATES = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}

CHANGE_UPDATED = "change.updated"

Row = dict[str, Any]


async def records(stage: Stage) -> Records:
    return Records(await pages(stage) + await tickets(stage) + await changes(stage) + await requests(stage))


async def pages(stage: Stage) -> tuple[Record, ...]:
    """PagerDuty's incidents. `result` says on which escalation level it is and who has it; empty when resolved."""
    return tuple(_page(row) for row in (await _state(stage, "pagerduty"))["incidents"])


async def tickets(stage: Stage) -> tuple[Record, ...]:
    """ServiceNow's incidents: work notes are internal, comments are read by the caller."""
    return _tasks(stage, await _tables(stage), "incident")


async def changes(stage: Stage) -> tuple[Record, ...]:
    """ServiceNow's change requests."""
    return _tasks(stage, await _tables(stage), "change_request")


async def requests(stage: Stage) -> tuple[Record, ...]:
    """Jira's customer requests: internal comments are notes, the others are public."""
    return tuple(_request(stage, row) for row in (await _state(stage, "jira"))["issues"])


async def story(stage: Stage) -> Story:
    """What the hub tells by its API."""
    remediations = [_remediation(row) async for row in stage.listed("/remediations")]
    entries = [_entry(row) async for row in stage.listed("/ledger")]
    events = [row["event"] async for row in stage.listed("/events") if row["type"] == CHANGE_UPDATED]
    heard = frozenset((event["reference"]["number"], event["actor"]) for event in events if not event["own"])
    return Story(tuple(reversed(remediations)), tuple(reversed(entries)), heard)


async def _tables(stage: Stage) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = (await _state(stage, "servicenow"))["tables"]
    return tables


async def _state(stage: Stage, system: str) -> Row:
    answer = await stage.http.get(f"{stage.address(system)}/sandbox/state")
    state: Row = answer.raise_for_status().json()
    return state


def _page(row: Row) -> Record:
    who = ", ".join(one["assignee"]["summary"] for one in row["assignments"])
    return Record(
        system="pagerduty",
        kind="incident",
        number=f"#{row['incident_number']}",
        title=row["title"],
        state=row["status"],
        notes=tuple(note["content"] for note in row["notes"]),
        result=f"level {row['escalation_level']}: {who}" if who else "",
        url=row["html_url"],
    )


def _tasks(stage: Stage, tables: dict[str, list[Row]], table: str) -> tuple[Record, ...]:
    journal: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in tables["sys_journal_field"]:
        journal[entry["element_id"], entry["element"]].append(entry["value"])
    items = {row["sys_id"]: row["name"] for row in tables["cmdb_ci"]}
    numbers = {row["sys_id"]: row["number"] for row in tables["change_request"]}
    states = INCIDENT_STATES if table == "incident" else CHANGE_STATES
    return tuple(
        Record(
            system="servicenow",
            kind=table,
            number=row["number"],
            title=row["short_description"],
            state=states[row["state"]],
            notes=tuple(journal[row["sys_id"], "work_notes"]),
            public=tuple(journal[row["sys_id"], "comments"]),
            result=row["close_code"],
            evidence=row["close_notes"] if row["work_start"] else "",
            ci=items.get(row["cmdb_ci"], ""),
            url=f"{stage.address('servicenow')}/#{row['sys_id']}",
            covered=numbers.get(row.get("rfc", ""), ""),
            course=_course(tables, row) if table == "change_request" else None,
        )
        for row in tables[table]
    )


def _course(tables: dict[str, list[Row]], change: Row) -> Course:
    names = {row["sys_id"]: row["name"] for row in tables["sys_user"]}
    asked = [row for row in tables["sysapproval_approver"] if row["sysapproval"] == change["sys_id"]]
    return Course(
        type=change["type"],
        created_at=datetime.fromisoformat(f"{change['sys_created_on']}+00:00"),
        approved_at=_time(change["approval_set"]),
        work_start=_time(change["work_start"]),
        work_end=_time(change["work_end"]),
        approvers=tuple(names[row["approver"]] for row in asked if row["state"] == "approved"),
    )


def _time(text: str) -> datetime | None:
    """`YYYY-MM-DD HH:MM:SS` in UTC; empty: never."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _remediation(row: Row) -> Remediation:
    plain = {name: row[name] for name in ("id", "mapping", "mode", "outcome", "approved_by")}
    change = row["change"]["number"] if row["change"] else ""
    return Remediation(**plain, title=row["incident"]["title"], change=change)


def _entry(row: Row) -> Entry:
    plain = {name: row[name] for name in ("act", "by", "subject", "text", "facts")}
    return Entry(**plain, at=datetime.fromisoformat(row["at"]))


def _request(stage: Stage, row: Row) -> Record:
    fields, comments = row["fields"], row["comments"]
    return Record(
        system="jira",
        kind="request",
        number=row["key"],
        title=fields["summary"],
        state=fields["status"]["name"],
        notes=tuple(comment["text"] for comment in comments if not comment["jsdPublic"]),
        public=tuple(comment["text"] for comment in comments if comment["jsdPublic"]),
        result=(fields["resolution"] or {}).get("name", ""),
        url=f"{stage.address('jira')}/#{row['key']}",
    )
