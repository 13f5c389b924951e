"""Questions to people: each is answered once, whoever races; the answer starts what follows, in one transaction."""

from typing import Literal

import sqlalchemy as sa

from firstline.errors import Rejected
from firstline.ledger.facet import bind
from firstline.remediation.begin import GRACE
from firstline.remediation.context import Context
from firstline.remediation.timeline import tell
from firstline.store.table import APPROVAL, REMEDIATION, now

Verdict = Literal["approved", "refused"]


async def answer(context: Context, approval_id: str, verdict: Verdict, person: str, comment: str) -> None:
    """Approve or refuse. Raises `Rejected` when there is no such question, or it no longer waits."""
    await context.database.write(lambda connection: _answer(connection, approval_id, verdict, person, comment))
    context.work.set()


def _answer(connection: sa.Connection, approval_id: str, verdict: Verdict, person: str, comment: str) -> None:
    waiting = (APPROVAL.c.id == approval_id, APPROVAL.c.state == "waiting", APPROVAL.c.expires_at > now())
    values = {"state": verdict, "decided_at": now(), "decided_by": person, "comment": comment}
    if connection.execute(sa.update(APPROVAL).where(*waiting).values(**values)).rowcount != 1:
        raise Rejected(_no_longer(connection, approval_id))
    asked = sa.select(APPROVAL.c.remediation_id, APPROVAL.c.plan_digest).where(APPROVAL.c.id == approval_id)
    remediation_id, digest = connection.execute(asked).one()
    said = f"{verdict.capitalize()} plan {digest[:12]}{f': {comment}' if comment else ''}"
    after = (
        {"approved_by": person} if verdict == "approved" else {"outcome": "refused", "reason": f"{person}: {comment}"}
    )
    # The approval binds the plan by its digest: a remediation with another plan is not let go by it.
    _let_go(connection, remediation_id, digest, verdict == "approved", after)
    tell(connection, remediation_id, verdict, said, actor=person, rows=bind(connection, "approval", approval_id))


async def expire(context: Context) -> None:
    """End what nobody answered in time. Called by the clock."""
    due = sa.select(APPROVAL).where(APPROVAL.c.state == "waiting", APPROVAL.c.expires_at <= now()).limit(500)
    if not await context.database.read(lambda connection: connection.execute(due).first()):
        return

    def end(connection: sa.Connection) -> None:
        for row in connection.execute(due).mappings().all():
            still = (APPROVAL.c.id == row["id"], APPROVAL.c.state == "waiting")
            if connection.execute(sa.update(APPROVAL).where(*still).values(state="expired")).rowcount == 1:
                _let_go(connection, row["remediation_id"], row["plan_digest"], False, {"outcome": "expired"})
                bound = bind(connection, "approval", row["id"])
                tell(connection, row["remediation_id"], "expired", "Nobody answered in time", rows=bound)

    await context.database.write(end)
    context.work.set()


def _let_go(connection: sa.Connection, remediation_id: str, digest: str, runs: bool, values: dict[str, str]) -> None:
    """A waiting remediation goes on: to its run, or to its report."""
    waiting = (
        REMEDIATION.c.id == remediation_id,
        REMEDIATION.c.stage == "waiting",
        REMEDIATION.c.plan_digest == digest,
    )
    tell_at = now() + GRACE if runs else None
    to = {"stage": "ready" if runs else "acted", "wake_at": now(), "tell_at": tell_at, **values}
    if connection.execute(sa.update(REMEDIATION).where(*waiting).values(**to)).rowcount != 1:
        raise Rejected("the plan that was asked about is no longer the remediation's plan; nothing was started")


def _no_longer(connection: sa.Connection, approval_id: str) -> str:
    row = connection.execute(sa.select(APPROVAL).where(APPROVAL.c.id == approval_id)).mappings().first()
    if row is None:
        return f"there is no approval {approval_id}"
    if row["state"] == "waiting":
        return f"it expired at {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC"
    by = f" by {row['decided_by']}" if row["decided_by"] else ""
    return f"it was {row['state']} already{by}"
