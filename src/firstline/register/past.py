"""How a runbook did so far: what a change manager goes by."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from firstline.change import text
from firstline.store.table import REMEDIATION, RUN

NAMED = 20  # change numbers that are written out


@dataclass(frozen=True)
class Past:
    """How a runbook did so far, all its versions together; `same`: those of the version that is proposed. `seconds` is
    the mean of what its steps took, first to last."""

    outcomes: dict[str, int]
    same: int
    reopened: int
    seconds: float | None
    approvers: tuple[str, ...]
    changes: tuple[str, ...]
    since: datetime | None

    @property
    def runs(self) -> int:
        return sum(self.outcomes.values())


def past(connection: sa.Connection, runbook: str, digest: str) -> Past:
    """What the database holds of a runbook (pack and id): only what ran a step counts."""
    rows = connection.execute(
        sa.select(
            REMEDIATION.c.id,
            REMEDIATION.c.outcome,
            REMEDIATION.c.reopened_at,
            REMEDIATION.c.approved_by,
            REMEDIATION.c.change,
            REMEDIATION.c.created_at,
            REMEDIATION.c.plan,
            sa.func.min(RUN.c.begun_at).label("begun_at"),
            sa.func.max(RUN.c.ended_at).label("run_ended_at"),
        )
        .join(RUN, RUN.c.remediation_id == REMEDIATION.c.id)
        .where(REMEDIATION.c.runbook == runbook, REMEDIATION.c.ended_at.is_not(None), RUN.c.phase == "step")
        .group_by(REMEDIATION.c.id)
        .order_by(REMEDIATION.c.id)
    ).mappings()
    return _sum(list(rows), digest)


def evidence(past: Past) -> str:
    """Past runs in words."""
    if past.since is None:
        return "It has not run yet."
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in past.outcomes.items())
    changes = text.joined(past.changes[-NAMED:]) + (
        f" and {len(past.changes) - NAMED} before" * (len(past.changes) > NAMED)
    )
    told = [
        f"{past.runs} runs since {past.since:%Y-%m-%d}: {outcomes}; {past.same} of them with exactly this version.",
        f"Reopened afterwards: {past.reopened}.",
        f"Its steps took {text.lasting(past.seconds)} on average." if past.seconds is not None else "",
        f"Approved by: {text.joined(past.approvers)}." if past.approvers else "Nobody had to approve a run.",
        f"Changes: {changes}." if past.changes else "No change was recorded.",
    ]
    return "\n".join(line for line in told if line)


def _sum(rows: list[Any], digest: str) -> Past:
    took = [(row["run_ended_at"] - row["begun_at"]).total_seconds() for row in rows if row["run_ended_at"]]
    return Past(
        outcomes=dict(Counter(row["outcome"] for row in rows).most_common()),
        same=sum(row["plan"]["runbook"]["runbook_digest"] == digest for row in rows),
        reopened=sum(row["reopened_at"] is not None for row in rows),
        seconds=sum(took) / len(took) if took else None,
        approvers=tuple(sorted({row["approved_by"] for row in rows} - {""})),
        changes=tuple(row["change"]["number"] or row["change"]["id"] for row in rows if row["change"]),
        since=rows[0]["created_at"] if rows else None,
    )
