"""The change record that covers a remediation: there, and in Implement, before the first step that changes anything."""

import sqlalchemy as sa

from firstline.connector import Evidence
from firstline.incident import Incident, Reference
from firstline.remediation.context import Context
from firstline.remediation.plan import Plan, draft
from firstline.remediation.timeline import tell
from firstline.store.table import REMEDIATION


async def cover(
    context: Context, remediation_id: str, plan: Plan, incident: Incident, known: Reference | None, *, tried: bool
) -> Reference:
    """Open the change, or find it, and bring it to Implement. Raises what the register raises."""
    register = context.register(plan.change_register)
    change = known or await register.open(draft(plan, incident, key(remediation_id), tried=tried))
    if known is None:
        await context.database.write(lambda connection: _opened(connection, remediation_id, plan, change))
    await register.move(
        change, "implement", Evidence(notes=f"Firstline begins {plan.named} for {incident.reference.label}.")
    )
    return change


def key(remediation_id: str) -> str:
    """By which the register finds the change again (ServiceNow's correlation_id)."""
    return f"firstline-{remediation_id}"


def _opened(connection: sa.Connection, remediation_id: str, plan: Plan, change: Reference) -> None:
    row = sa.update(REMEDIATION).where(REMEDIATION.c.id == remediation_id)
    connection.execute(row.values(change=change.model_dump(mode="json")))
    kind = plan.runbook.change.type if plan.runbook.change else ""
    tell(connection, remediation_id, "change", f"Opened {kind} change {change.label} in {change.connection}")
