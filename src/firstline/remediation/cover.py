"""The change record that covers a remediation: there, and in Implement, before the first step that changes anything."""

import sqlalchemy as sa

from firstline.connector import Evidence
from firstline.errors import FirstlineError
from firstline.governor import Priority, alarm
from firstline.incident import Incident, Reference
from firstline.remediation.context import Context
from firstline.remediation.plan import Plan, draft
from firstline.remediation.timeline import tell
from firstline.store.table import REMEDIATION


async def cover(
    context: Context, remediation_id: str, plan: Plan, incident: Incident, known: Reference | None, *, tried: bool
) -> Reference:
    """Open the change, or find it, bring it to Implement and announce it. Raises what the register raises; the change
    is noted then as well, so that whoever looks finds it."""
    register = context.register(plan.change_register)
    async with context.governor.asking(plan.change_register, Priority.INTERACTIVE):
        change = known or await register.open(
            context.mask.model(draft(plan, incident, key(remediation_id), tried=tried))
        )
        begins = Evidence(notes=f"Firstline begins {plan.named} for {incident.reference.label}.")
        try:
            await register.move(change, "implement", begins)
        except FirstlineError:
            if known is None:
                await context.database.write(lambda connection: _opened(connection, remediation_id, change))
            raise
    live = f"{change.label}: {plan.runbook.title} for {incident.reference.label}"
    where = f"{context.url}/remediations/{remediation_id}"
    await context.database.write(
        lambda connection: alarm.announce(connection, context.governor.pager, remediation_id, live, where)
    )
    return change


def key(remediation_id: str) -> str:
    """By which the register finds the change again (ServiceNow's correlation_id)."""
    return f"firstline-{remediation_id}"


def _opened(connection: sa.Connection, remediation_id: str, change: Reference) -> None:
    row = sa.update(REMEDIATION).where(REMEDIATION.c.id == remediation_id)
    connection.execute(row.values(change=change.model_dump(mode="json")))
    tell(connection, remediation_id, "change", f"Opened change {change.label} in {change.connection}")
