"""The start of the work, told on the incident; late enough that a remediation that is soon done leaves one note."""

from collections.abc import Iterator
from datetime import timedelta
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
from firstline.store.table import REMEDIATION, WRITE_BACK, WriteBackRow, now

GRACE = timedelta(seconds=5)  # what ends sooner is told by its outcome alone
STATUS = "status"  # the key of the one note that is edited in place, where the vendor can
START = "start"
ACKNOWLEDGE = "acknowledge"


def start(connection: sa.Connection, context: Context, remediation_id: str, turn: int) -> None:
    """Leave the write-backs that say somebody is at it. In a later turn: nothing."""
    mine = (REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == turn, REMEDIATION.c.stage == "ready")
    row = connection.execute(sa.select(REMEDIATION).where(*mine).with_for_update()).mappings().first()
    if row is None or _told(connection, remediation_id):
        return
    plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
    for one in _writes(connection, context, row, plan, incident):
        one.due_at = now() + GRACE
        insert(connection, one)


def _key(plan: Plan) -> str:
    """Of the note that says the work has begun."""
    return STATUS if plan.live_note else START


def _told(connection: sa.Connection, remediation_id: str) -> bool:
    keys = [f"{remediation_id}.{key}" for key in (STATUS, START)]
    said = sa.select(WRITE_BACK.c.id).where(WRITE_BACK.c.remediation_id == remediation_id, WRITE_BACK.c.key.in_(keys))
    return connection.execute(said).first() is not None


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
