"""The start of the work, or what holds it, told on the incident; late enough that what is soon done, or soon let go,
leaves no note of its own."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from firstline.connector import StateChange
from firstline.guard import Hold
from firstline.incident import Incident
from firstline.remediation.begin import note, write_back
from firstline.remediation.context import Context
from firstline.remediation.note import text
from firstline.remediation.note.template import variables
from firstline.remediation.plan import Plan
from firstline.remediation.timeline import tell
from firstline.settings import OWN_REGISTER
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, WRITE_BACK, WriteBackRow, now

AT_ONCE = 100  # in one transaction
STATUS = "status"  # the key of the one note that is edited in place, where the vendor can
START = "start"
HELD = timedelta(seconds=60)  # what is held longer is told
ACKNOWLEDGE = "acknowledge"


async def tell_begun(context: Context) -> None:
    """Tell it of those that go on for longer than the grace. Called by the clock."""
    due = sa.select(REMEDIATION.c.id).where(REMEDIATION.c.tell_at <= now()).limit(1)
    if await context.database.read(lambda connection: connection.execute(due).first()):
        await context.database.write(lambda connection: _tell_begun(connection, context))
        context.writes.set()


def _tell_begun(connection: sa.Connection, context: Context) -> None:
    due = sa.select(REMEDIATION).where(REMEDIATION.c.tell_at <= now()).limit(AT_ONCE)
    rows = connection.execute(due.with_for_update(skip_locked=True)).mappings().all()
    ids = [row["id"] for row in rows]
    connection.execute(sa.update(REMEDIATION).where(REMEDIATION.c.id.in_(ids)).values(tell_at=None))
    for row in rows:
        plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
        if row["holds"]:
            writes = _held(context, row, plan, incident)
        else:
            writes = _writes(connection, context, row, plan, incident)
        insert(connection, *_unwritten(connection, list(writes)))


def _unwritten(connection: sa.Connection, rows: list[WriteBackRow]) -> list[WriteBackRow]:
    """Those that were not told before: what was held, or asked anew, begins again."""
    keys = sa.select(WRITE_BACK.c.key).where(WRITE_BACK.c.key.in_([row.key for row in rows]))
    known = set(connection.execute(keys).scalars())
    return [row for row in rows if row.key not in known]


def _held(context: Context, row: Any, plan: Plan, incident: Incident) -> Iterator[WriteBackRow]:
    """Once for each plan: who wants to follow its holds looks at the hub."""
    key, url = f"held.{row['plan_digest'][:12]}", f"{context.url}/remediations/{row['id']}"
    holds = [Hold.model_validate(each) for each in row["holds"]]
    if plan.change_register == OWN_REGISTER and all(one.guard == "change" for one in holds):
        return  # the question about it stands on the ticket already
    told = text.held(f"{row['id']}.{STATUS if plan.live_note else key}", plan, holds, url)
    yield note(row["id"], key, incident.reference, told)


def _key(plan: Plan) -> str:
    """Of the note that says the work has begun."""
    return STATUS if plan.live_note else START


def _writes(
    connection: sa.Connection, context: Context, row: Any, plan: Plan, incident: Incident
) -> Iterator[WriteBackRow]:
    key, url = _key(plan), f"{context.url}/remediations/{row['id']}"
    built_in = text.start(f"{row['id']}.{key}", plan, row["approved_by"], url)
    told = {**variables(plan, incident, url), "approved_by": row["approved_by"]}
    composed = context.notes.compose("start", incident.reference.connection, built_in, told)
    if composed.fault:
        tell(connection, row["id"], "template", composed.fault)
    yield note(row["id"], key, incident.reference, composed.note)
    if plan.acknowledge:
        state = StateChange(to="acknowledged", reason=f"{plan.runbook.title}: Firstline is at work.")
        yield write_back(row["id"], ACKNOWLEDGE, "state", incident.reference, state)
