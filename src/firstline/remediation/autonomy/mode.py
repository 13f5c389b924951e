"""How much a mapping may do by itself: what it declares, and what it has earned or lost since.

A promotion counts as long as the mapping and its runbook are what they were then: an edit takes it back. What was lost
stays lost until a person gives it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, get_args

import sqlalchemy as sa

from firstline.declaration import Json
from firstline.ledger import record
from firstline.ledger.entry import HUB
from firstline.ledger.facet import bind
from firstline.mapping.model import Mode
from firstline.runbook import Runbook
from firstline.store.database import insert_or
from firstline.store.table import MODE, now

ORDER: tuple[Mode, ...] = get_args(Mode)
Key = tuple[str, str]  # mapping and environment
FILES = "files"  # in the evidence of a promotion: the digest of what it was given to


@dataclass(frozen=True)
class Moved:
    """A mode that was given or taken. `declared`: what the mapping declared then; `digest`: of the mapping and its
    runbook, where it was given."""

    mode: Mode
    declared: Mode
    by: str
    reason: str
    digest: str = ""

    @property
    def lowers(self) -> bool:
        return lower(self.mode, self.declared)


class Counted(NamedTuple):
    """The mode that counts; `why` it is not the declared one, where it is not."""

    mode: Mode
    why: str = ""


def read(connection: sa.Connection) -> dict[Key, Moved]:
    """All of them: few mappings ever have one."""
    rows = connection.execute(sa.select(MODE)).mappings()
    return {
        (row["mapping"], row["environment"]): Moved(
            row["mode"], row["declared"], row["by"], row["reason"], str((row["evidence"] or {}).get(FILES, ""))
        )
        for row in rows
    }


def effective(declared: Mode, moved: Moved | None, *, earned: bool, digest: str) -> Counted:
    """The mode that counts. `earned`: what changes something runs by itself only after a promotion. `digest`: of the
    mapping and its runbook as they are. Pure."""
    if moved is not None and moved.lowers:
        return _unless(declared, Counted(least(declared, moved.mode), f"taken by {moved.by}: {moved.reason}"))
    if moved is not None and moved.declared == declared and moved.digest in ("", digest):
        return _unless(declared, Counted(moved.mode, f"given by {moved.by}: {moved.reason}"))
    edited = moved is not None and lower("approve", moved.mode)
    why = "its files were edited since it was promoted" if edited else "it has to be earned"
    return _unless(declared, Counted(least(declared, "approve") if earned else declared, why))


def counting(declared: Mode, moved: Moved | None, runbook: Runbook, *, earned: bool, digest: str) -> Counted:
    """The same for a mapping's runbook: one whose review is overdue runs on a person's word."""
    found = effective(declared, moved, earned=earned and runbook.changes, digest=digest)
    review = runbook.declaration.review
    if not overdue(review) or not lower("approve", found.mode):
        return found
    return _unless(declared, Counted("approve", f"the review of its runbook was due on {review}"))


def _unless(declared: Mode, counted: Counted) -> Counted:
    """What is as it was declared needs no reason."""
    return Counted(declared) if counted.mode == declared else counted


def overdue(review: date | None) -> bool:
    """Whether a runbook's review date has passed."""
    return review is not None and review < now().date()


def lower(one: Mode, other: Mode) -> bool:
    return ORDER.index(one) < ORDER.index(other)


def least(one: Mode, other: Mode) -> Mode:
    return one if lower(one, other) else other


def move(
    connection: sa.Connection,
    key: Key,
    to: Mode,
    declared: Mode,
    reason: str,
    evidence: Mapping[str, Json],
    *,
    by: str = HUB,
) -> None:
    """Give or take a mode, with its evidence. By the hub it is only ever taken."""
    mapping, environment = key
    row: dict[str, Any] = {
        "mapping": mapping,
        "environment": environment,
        "mode": to,
        "declared": declared,
        "by": by,
        "reason": reason,
        "evidence": dict(evidence),
        "at": now(),
    }
    insert_or(connection, MODE, [row], ["mapping", "environment"], set(row) - {"mapping", "environment"})
    record(
        connection,
        f"mapping:{mapping}",
        "demoted" if by == HUB else "mode set",
        f"{mapping} in {environment}: mode {to}: {reason}",
        by=by,
        facts={"environment": environment, "mode": to, "declared": declared, "evidence": dict(evidence)},
        rows=bind(connection, "mode", key),
    )


def demote(
    connection: sa.Connection, key: Key, current: str, declared: Mode | None, reason: str, evidence: Mapping[str, Json]
) -> bool:
    """Take `auto` from a mapping: from now on a person lets it go. False where it does not run by itself."""
    moved = read(connection).get(key)
    if current != "auto" or (moved is not None and lower(moved.mode, "auto")):
        return False  # a person lets it go already
    move(connection, key, "approve", declared or "auto", reason, evidence)
    return True
