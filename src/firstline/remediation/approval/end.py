"""How a question ends: decided, expired, or void because what was asked about is no longer so. The remediation goes on
in the same transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from firstline.ledger import entry
from firstline.ledger.facet import bind
from firstline.remediation.approval.question import Question, Vote, told
from firstline.remediation.begin import GRACE
from firstline.remediation.context import Context
from firstline.remediation.notification.notify import NOTIFICATION
from firstline.store.database import insert
from firstline.store.table import APPROVAL, REMEDIATION, WRITE_BACK, LedgerRow, now

BATCH = 500  # questions that end in one transaction

_FOLLOWS = REMEDIATION.c.stage.in_(("opened", "following"))  # reads the answer, for its change
# An emergency that is under way: its change is approved afterwards.
_RAN_FIRST = sa.and_(REMEDIATION.c.stage.in_(("prepared", "acted")), REMEDIATION.c.change_type == "emergency")


def approve(connection: sa.Connection, question: Question, votes: Sequence[Vote], comment: str) -> bool:
    """Let the plan go. False when the remediation no longer waits with this plan."""
    by = ", ".join(map(told, votes))
    _close(connection, question, "approved", by, comment)
    return _go_on(connection, [question.id], {"approved_by": by}, runs=True) == 1


def refuse(connection: sa.Connection, question: Question, vote: Vote, comment: str) -> None:
    by = told(vote)
    _close(connection, question, "refused", by, comment)
    _go_on(connection, [question.id], {"outcome": "refused", "reason": f"{by}: {comment}"}, runs=False)


async def expire(context: Context) -> None:
    """End what nobody answered in time. Called by the clock."""
    due = sa.select(APPROVAL.c.id).where(*_overdue()).limit(1)
    while await context.database.read(lambda connection: connection.execute(due).first()):
        await context.database.write(expire_some)
        context.work.set()


def expire_some(connection: sa.Connection) -> None:
    """One batch of them."""
    due = sa.select(APPROVAL.c.id).where(*_overdue()).order_by(APPROVAL.c.id).limit(BATCH)
    # The condition stands in the update again: what somebody answers just now is theirs.
    ended = sa.update(APPROVAL).where(APPROVAL.c.id.in_(due.scalar_subquery()), *_overdue())
    returned = ended.values(state="expired", decided_at=now()).returning(
        APPROVAL.c.id, APPROVAL.c.remediation_id, APPROVAL.c.plan_digest
    )
    rows = connection.execute(returned).all()
    _go_on(connection, [row.id for row in rows], {"outcome": "expired"}, runs=False)
    _withdraw(connection, [row.remediation_id for row in rows])
    insert(connection, *_entries(connection, rows, "expired", "Nobody answered in time"))


def void(connection: sa.Connection, remediation_id: str, why: str) -> int:
    """What was asked or let go is no longer what would run: no answer to it counts any more. Gives how many questions
    it was. The remediation stays where it is: whoever calls this says how it goes on."""
    live = (APPROVAL.c.remediation_id == remediation_id, APPROVAL.c.state.in_(("waiting", "approved")))
    values = {"state": "void", "decided_at": now(), "comment": why}
    ended = sa.update(APPROVAL).where(*live).values(**values).returning(APPROVAL.c.id, APPROVAL.c.remediation_id)
    rows = connection.execute(ended).all()
    if rows:
        _withdraw(connection, [remediation_id])
        insert(connection, *_entries(connection, rows, "void", f"No longer asked: {why}"))
    return len(rows)


def _overdue() -> tuple[sa.ColumnElement[bool], ...]:
    return APPROVAL.c.state == "waiting", APPROVAL.c.expires_at <= now()


def _close(connection: sa.Connection, question: Question, state: str, by: str, comment: str) -> None:
    values = {"state": state, "decided_at": now(), "decided_by": by, "comment": comment}
    connection.execute(sa.update(APPROVAL).where(APPROVAL.c.id == question.id).values(**values))
    _withdraw(connection, [question.remediation_id])


def _go_on(connection: sa.Connection, ids: Sequence[str], values: Mapping[str, Any], *, runs: bool) -> int:
    """The remediations that wait for these answers go on: to their run, or to their report. One that waits for its
    change is only woken, and reads the answer itself. Gives how many it was: an answer binds the plan by its digest, so
    that a remediation with another plan is not let go by it."""
    asked = sa.select(APPROVAL.c.id).where(APPROVAL.c.id.in_(ids), APPROVAL.c.remediation_id == REMEDIATION.c.id)
    mine = asked.where(APPROVAL.c.plan_digest == REMEDIATION.c.plan_digest).exists()
    theirs = sa.update(REMEDIATION).where(mine)
    to = {"stage": "ready" if runs else "acted", "wake_at": now(), "tell_at": now() + GRACE if runs else None}
    # Those that stay in their stage first: the others leave the one they are found by.
    running = connection.scalar(sa.select(sa.func.count()).select_from(REMEDIATION).where(mine, _RAN_FIRST)) or 0
    woken = connection.execute(theirs.where(_FOLLOWS).values(wake_at=now())).rowcount
    went = connection.execute(theirs.where(REMEDIATION.c.stage == "waiting").values(**to, **values)).rowcount
    return running + woken + went


def _withdraw(connection: sa.Connection, remediation_ids: Sequence[str]) -> None:
    """Who was not told yet of a question need not be told any more. What was tried may tell of others, too."""
    unsent = (
        WRITE_BACK.c.remediation_id.in_(remediation_ids),
        WRITE_BACK.c.act == NOTIFICATION,
        WRITE_BACK.c.state == "pending",
        WRITE_BACK.c.attempts == 0,
    )
    values = {"state": "discarded", "done_at": now(), "reason": "no longer asked"}
    connection.execute(sa.update(WRITE_BACK).where(*unsent).values(**values))


def _entries(connection: sa.Connection, rows: Sequence[Any], act: str, text: str) -> list[LedgerRow]:
    bound = bind(connection, "approval", *(row.id for row in rows))
    return [
        entry(row.remediation_id, act, text, rows={f"approval/{row.id}": bound[f"approval/{row.id}"]}) for row in rows
    ]
