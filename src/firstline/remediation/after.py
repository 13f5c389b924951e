"""What the hub learns from how a remediation ended: breakers, locks, and how much its mapping may do by itself."""

from typing import Any

import sqlalchemy as sa

from firstline.remediation.autonomy import mode
from firstline.remediation.context import Context
from firstline.remediation.hold import gate
from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import Findings
from firstline.remediation.timeline import tell
from firstline.store.table import now


def settle(connection: sa.Connection, context: Context, row: Any, plan: Plan, findings: Findings) -> None:
    """In the transaction of the end."""
    if plan.runbook.change is None:
        return
    if row["outcome"] != "unknown":  # a step may be running still: then its locks expire
        gate.release(connection, row["id"], now())
    tripped = gate.settle(connection, row, row["outcome"], context.guards, now(), context.governor.pager)
    if tripped:
        _demote(connection, row, plan, "the circuit breaker of its runbook tripped")
    elif row["outcome"] in ("failed", "unknown"):
        _demote(connection, row, plan, f"a fix was not verified: {findings.failed or row['reason']}")


def _demote(connection: sa.Connection, row: Any, plan: Plan, why: str) -> None:
    key = (plan.mapping, plan.environment)
    if mode.demote(connection, key, plan.mode, plan.declared, why, {"remediation": row["id"]}):
        told = f"{plan.mapping} runs by itself no more, a person lets it go from now on: {why}"
        tell(connection, row["id"], "demoted", told)
