"""What a person says of a remediation whose outcome the hub can't know: then its change is closed, and its targets are
free."""

from typing import Any, Literal

import sqlalchemy as sa

from firstline.errors import Rejected
from firstline.incident import Incident, Reference
from firstline.remediation.begin import note, write_back
from firstline.remediation.change.closing import ChangeMove, evidence, has_run
from firstline.remediation.context import Context
from firstline.remediation.hold import gate
from firstline.remediation.note import text
from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import Findings
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, WRITE_BACK, now

KEY = "settled"

Ended = Literal["done", "not_done"]


def settle(
    connection: sa.Connection, context: Context, remediation_id: str, ended: Ended, by: str, reason: str
) -> None:
    """Once. Raises `Rejected` where the hub knows how it ended, or a person has said so."""
    query = sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id).with_for_update()
    row = connection.execute(query).mappings().one()
    if not is_open(connection, row):
        raise Rejected(f"{remediation_id} has nothing to be settled: {row['outcome'] or 'it has not ended'}")
    plan, said = Plan.model_validate(row["plan"]), f"{by} says: {text.SETTLED[ended]}. {reason}"
    if row["change"] and not row["change_late"]:
        known = evidence(connection, context, row, plan, Findings.model_validate(row["findings"] or {}))
        result: Any = "successful" if ended == "done" else "unsuccessful"
        proof = known.model_copy(update={"result": result, "notes": f"{said}\n\n{known.notes}"})
        change = Reference.model_validate(row["change"])
        insert(
            connection, write_back(remediation_id, "close", "change", change, ChangeMove(to="closed", evidence=proof))
        )
    incident = Incident.model_validate(row["incident"]).reference
    insert(connection, note(remediation_id, KEY, incident, text.settled(f"{remediation_id}.{KEY}", plan, said)))
    gate.release(connection, remediation_id, now())
    tell(connection, remediation_id, "settled", said, by)


def is_open(connection: sa.Connection, row: Any) -> bool:
    """Whether a person is to say how it ended."""
    if row["stage"] != "ended" or row["outcome"] not in ("unknown", "stopped") or not has_run(connection, row["id"]):
        return False
    return not connection.scalar(sa.select(sa.exists().where(WRITE_BACK.c.key == f"{row['id']}.{KEY}")))
