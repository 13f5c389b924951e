"""Asks people: the question on the ticket and to each who may answer, and its entry in the ledger."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from firstline.incident import Incident
from firstline.ledger import entry
from firstline.ledger.facet import bind_new
from firstline.remediation.approval.end import void
from firstline.remediation.begin import question
from firstline.remediation.context import Context
from firstline.remediation.note import text
from firstline.remediation.notification.notify import Asking, notifications
from firstline.remediation.plan import Plan
from firstline.store.database import insert
from firstline.store.table import ApprovalRow

UNDER_WAY = ("prepared", "acted", "following")


def ask(connection: sa.Connection, context: Context, row: Mapping[str, Any]) -> str:
    """Ask about the plan of a remediation that is there already; what was asked about it before is void. `row`: of
    `fl_remediation`, with the plan to ask about, and its stage: what is under way was an emergency, whose change is
    approved afterwards. Gives the approval's id."""
    void(connection, row["id"], "it is asked anew")
    plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
    ran = row["stage"] in UNDER_WAY
    rows = list(
        question(row["id"], incident, plan, url=context.url, expires=context.expires, notes=context.notes, ran=ran)
    )
    insert(connection, *rows)
    (approval,) = (each for each in rows if isinstance(each, ApprovalRow))
    insert(connection, *asked(connection, [Asking(approval, plan, incident, row["event_id"])]))
    return approval.id


def asked(connection: sa.Connection, askings: Collection[Asking]) -> Iterator[SQLModel]:
    """What stands beside questions that were just inserted: their entries in the ledger, and who is told of them."""
    for each in askings:
        said = f"Asked {text.asked(each.plan)} about plan {each.approval.plan_digest[:12]}"
        yield entry(each.approval.remediation_id, "asked", said, rows=bind_new(connection, "approval", [each.approval]))
    yield from notifications(connection, askings)
