"""The start of the work, told on the incident; late enough that a remediation that is soon done leaves one note."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from firstline.connector import StateChange
from firstline.incident import Incident
from firstline.remediation import text
from firstline.remediation.begin import note, write_back
from firstline.remediation.context import Context
from firstline.remediation.plan import Plan
from firstline.remediation.template import variables
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, WriteBackRow, now

AT_ONCE = 100  # in one transaction
STATUS = "status"  # the key of the one note that is edited in place, where the vendor can
START = "start"
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
        insert(connection, *_writes(connection, context, row, plan, incident))


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
