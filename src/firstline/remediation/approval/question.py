"""A question as it stands: what is asked, of whom, and who has answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from firstline.incident import Incident
from firstline.remediation.eyes import Barred, actor_of, barred
from firstline.remediation.plan import Asks, Plan
from firstline.store.table import APPROVAL, REMEDIATION, VOTE, now

State = Literal["waiting", "approved", "refused", "expired", "void"]
Vote = Mapping[str, Any] | sa.RowMapping  # a row of fl_vote


@dataclass(frozen=True)
class Question:
    """A row of `fl_approval` with what decides who may answer it."""

    id: str
    remediation_id: str
    plan_digest: str
    state: State
    asks: Asks
    pack: str
    environment: str
    asked_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    decided_by: str
    comment: str
    plan: Plan
    incident: Incident
    barred: Barred
    votes: Sequence[Vote]

    def waits(self, moment: datetime) -> bool:
        return self.state == "waiting" and self.expires_at > moment

    @property
    def named(self) -> str:
        """The plan, for people."""
        return f"plan {self.plan_digest[:12]}"


class Answered(NamedTuple):
    """How a question stands. `names`: of those who let it go or refused it."""

    state: State
    names: tuple[str, ...]
    comment: str


def find(connection: sa.Connection, approval_id: str) -> Question | None:
    """The question with this id, with its answers until now."""
    columns = (APPROVAL, REMEDIATION.c.pack, REMEDIATION.c.environment, REMEDIATION.c.plan, REMEDIATION.c.incident)
    query = sa.select(*columns, REMEDIATION.c.event_id).join(REMEDIATION, REMEDIATION.c.id == APPROVAL.c.remediation_id)
    row = connection.execute(query.where(APPROVAL.c.id == approval_id)).mappings().first()
    return _question(connection, row) if row is not None else None


def locked(connection: sa.Connection, approval_id: str) -> Question | None:
    """The same, and nobody else answers or ends it until this transaction is over."""
    # A write that changes nothing: PostgreSQL holds the row by it, and SQLite, which knows no row locks, all writers.
    mine = sa.update(APPROVAL).where(APPROVAL.c.id == approval_id).values(state=APPROVAL.c.state)
    return find(connection, approval_id) if connection.execute(mine).rowcount else None


def answered(
    connection: sa.Connection, remediation_id: str, digest: str, moment: datetime | None = None
) -> Answered | None:
    """How the last question about this plan of a remediation stands; None: it was never asked, or is void.

    An approval is good for as long as its question might have waited, counted from the answer: then it is expired, as a
    question is that nobody answered."""
    query = (
        sa.select(APPROVAL)
        .where(APPROVAL.c.remediation_id == remediation_id, APPROVAL.c.plan_digest == digest)
        .order_by(APPROVAL.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    if row is None or row["state"] == "void":
        return None
    names = tuple(row["decided_by"].split(", ")) if row["decided_by"] else ()
    state: State = "expired" if _is_over(row, moment or now()) else row["state"]
    return Answered(state, names, row["comment"])


def votes_of(connection: sa.Connection, approval_id: str) -> list[Vote]:
    """The answers of a question, oldest first."""
    query = sa.select(VOTE).where(VOTE.c.approval_id == approval_id).order_by(VOTE.c.id)
    return list(connection.execute(query).mappings())


def told(vote: Vote) -> str:
    """Whose word it was, for people."""
    return str(vote["person"] if vote["person"] == vote["by"] else f"{vote['by']} for {vote['person']}")


def _is_over(row: sa.RowMapping, moment: datetime) -> bool:
    if row["state"] == "waiting":
        return bool(row["expires_at"] <= moment)
    good: timedelta = row["expires_at"] - row["asked_at"]
    return row["state"] == "approved" and bool(row["decided_at"] + good <= moment)


def _question(connection: sa.Connection, row: sa.RowMapping) -> Question:
    plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
    kept = {name: row[name] for name in ("id", "remediation_id", "plan_digest", "state", "pack", "environment")}
    ends = {name: row[name] for name in ("asked_at", "expires_at", "decided_at", "decided_by", "comment")}
    return Question(
        **kept,
        **ends,
        asks=Asks.model_validate(row["asks"] or {}),
        plan=plan,
        incident=incident,
        barred=barred(plan, incident, actor_of(connection, row["event_id"])),
        votes=votes_of(connection, row["id"]),
    )
