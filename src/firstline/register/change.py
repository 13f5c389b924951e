"""Changes in the hub's own database: each act is a line on the change and an entry of the ledger, at once."""

import re
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict

from firstline.change.lifecycle import demand_approval, demand_result, way
from firstline.connector import Approval, ChangeDraft, ChangeState, Evidence, Standing
from firstline.errors import Rejected
from firstline.ledger import record
from firstline.ledger.entry import HUB
from firstline.ledger.facet import bind
from firstline.register import number
from firstline.store.database import insert
from firstline.store.table import CHANGE, ChangeRow, now

COUNTED = "change"  # the name of the counter
CI = 255  # characters that a configuration item is compared by

Row = sa.RowMapping


class Line(BaseModel):
    """What happened to a change, as it stands on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    by: str
    state: ChangeState
    notes: str = ""
    work_start: AwareDatetime | None = None
    work_end: AwareDatetime | None = None


def name(counted: int) -> str:
    """A change's number as people write it: CHG0000001."""
    return f"CHG{counted:07}"


def counted(text: str) -> int:
    """The same back. Raises `Rejected` for what is no number of ours."""
    if not re.fullmatch(r"CHG[0-9]{7,15}", text):
        raise Rejected(f"{text!r} is no number of a change in Firstline's own register: they are written {name(1)}")
    return int(text.removeprefix("CHG"))


def subject(counted: int) -> str:
    """What entries of the ledger about a change have as their subject."""
    return f"change:{name(counted)}"


def open_(connection: sa.Connection, draft: ChangeDraft) -> int:
    """The number of the change with the draft's key; a new one where there is none."""
    if draft.type == "standard" and not draft.template:
        raise Rejected("a standard change names the template that was approved for it")
    number.hold(connection, COUNTED)
    known = connection.execute(sa.select(CHANGE.c.number).where(CHANGE.c.key == draft.key)).scalar()
    if known is not None:
        return int(known)
    given = number.give(connection, COUNTED)
    insert(connection, _new(given, draft))
    late = " late, after the work" if draft.late else ""
    said = f"Opened{late}, {draft.type}: {draft.short_description}"
    _tell(connection, given, "opened", said, key=draft.key)
    return given


def request(connection: sa.Connection, counted: int, evidence: Evidence) -> None:
    """To those who decide, unless nobody need, or somebody did."""
    row = taken(connection, counted)
    if row["approval"] == "waiting" and row["state"] in ("new", "assess"):
        _walk(connection, row, "authorize", evidence, act="asked")


def move(connection: sa.Connection, counted: int, to: ChangeState, evidence: Evidence, *, run_first: bool) -> None:
    row = taken(connection, counted)
    if row["state"] == to:
        return
    demand_result(to, evidence)
    demand_approval(row["type"], row["state"], to, row["approval"], run_first=run_first)
    _walk(connection, row, to, evidence)


def decide(connection: sa.Connection, counted: int, approval: Approval) -> None:
    """Somebody answered. The same answer again changes nothing."""
    row = taken(connection, counted)
    if approval.state not in ("approved", "refused") or not approval.by:
        raise Rejected("an answer is approved or refused, and names who gave it")
    if (row["approval"], row["approved_by"]) == (approval.state, list(approval.by)):
        return
    _demand_asked(row)
    by = ", ".join(approval.by)
    said = f"{approval.state.capitalize()} by {by}{f': {approval.comment}' if approval.comment else ''}"
    answer = {"approval": approval.state, "approved_by": list(approval.by), "comment": approval.comment}
    _write(connection, row, {**answer, "notes": [*row["notes"], _line(by, row["state"], said)]})
    _tell(connection, counted, approval.state, said, by=approval.by[0] if len(approval.by) == 1 else HUB)


def reschedule(connection: sa.Connection, counted: int, start: datetime, end: datetime, by: str) -> None:
    """Plan it for another time. Raises `Rejected` once it has begun, or where the end is not after the start."""
    row = taken(connection, counted)
    if row["state"] not in ("new", "assess", "authorize", "scheduled"):
        raise Rejected(f"the change is in {row['state']}; its planned times are settled")
    if end <= start:
        raise Rejected("the planned end must be after the planned start")
    said = f"Planned for {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M %Z}"
    times = {"planned_start": start, "planned_end": end}
    _write(connection, row, {**times, "notes": [*row["notes"], _line(by, row["state"], said)]})
    _tell(connection, counted, "rescheduled", said, by=by)


def standing(row: Row) -> Standing:
    """Who decided is named as this hub names people."""
    by = tuple(row["approved_by"])
    approval = Approval(state=row["approval"], by=by, accounts=by, comment=row["comment"])
    return Standing(
        state=row["state"], approval=approval, planned_start=row["planned_start"], planned_end=row["planned_end"]
    )


def read(connection: sa.Connection, counted: int) -> Row:
    """Raises `Rejected` when there is none."""
    return _there(counted, connection.execute(sa.select(CHANGE).where(CHANGE.c.number == counted)))


def taken(connection: sa.Connection, counted: int) -> Row:
    """The change, which nobody else changes until the transaction ends."""
    same = sa.update(CHANGE).where(CHANGE.c.number == counted).values(state=CHANGE.c.state).returning(CHANGE)
    return _there(counted, connection.execute(same))


def _there(counted: int, found: sa.CursorResult[Any]) -> Row:
    row = found.mappings().first()
    if row is None:
        raise Rejected(f"there is no change {name(counted)} in Firstline's own register")
    return row


def _new(given: int, draft: ChangeDraft) -> ChangeRow:
    return ChangeRow(
        number=given,
        key=draft.key,
        type=draft.type,
        state="new",
        ci=compared(draft.ci),
        draft=draft.model_dump(mode="json", exclude={"tried"}),
        planned_start=draft.planned_start,
        planned_end=draft.planned_end,
        approval="not_required" if draft.type == "standard" else "waiting",
        approved_by=[],
        notes=[],
    )


def compared(ci: str) -> str:
    """A configuration item's name, for comparison."""
    return ci.strip().casefold()[:CI]


def _walk(connection: sa.Connection, row: Row, to: ChangeState, evidence: Evidence, act: str = "moved") -> None:
    passed = way(row["type"], row["state"], to)
    lines = [_line(HUB, state, "") for state in passed[:-1]]
    values: dict[str, Any] = {"state": to, "notes": [*row["notes"], *lines, _line(HUB, to, evidence.notes, evidence)]}
    if to in ("closed", "canceled"):
        values |= {"closed_at": now(), "result": evidence.result or ""}
    _write(connection, row, values)
    said = f"Moved through {', '.join(passed[:-1])} to {to}" if lines else f"Moved to {to}"
    result = f", {evidence.result}" if values.get("result") else ""
    _tell(connection, row["number"], act, f"{said}{result}")


def _demand_asked(row: Row) -> None:
    if row["approval"] in ("approved", "refused"):
        raise Rejected(f"the change was {row['approval']} already by {', '.join(row['approved_by'])}")
    if row["state"] == "canceled" or (row["approval"] == "waiting" and row["state"] in ("new", "assess")):
        raise Rejected(f"nobody is asked about the change: it is {row['state']}")


def _line(by: str, state: ChangeState, notes: str, evidence: Evidence | None = None) -> dict[str, Any]:
    work = {"work_start": evidence.work_start, "work_end": evidence.work_end} if evidence else {}
    return Line(at=now(), by=by, state=state, notes=notes, **work).model_dump(mode="json")


def _write(connection: sa.Connection, row: Row, values: dict[str, Any]) -> None:
    connection.execute(sa.update(CHANGE).where(CHANGE.c.number == row["number"]).values(**values))


def _tell(connection: sa.Connection, counted: int, act: str, text: str, *, by: str = HUB, **facts: str) -> None:
    record(connection, subject(counted), act, text, by=by, facts=facts, rows=bind(connection, "change", counted))
