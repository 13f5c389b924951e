"""Runbooks whose review date has passed: what ran by itself does so no more, and the ledger says why."""

import sqlalchemy as sa

from firstline.intake.decide import Declarations
from firstline.mapping import CompiledMapping
from firstline.remediation import mode


def review(connection: sa.Connection, declarations: Declarations, environment: str, *, earned: bool) -> int:
    """Called by the clock; gives how many mappings lost their mode."""
    moved = mode.read(connection)
    due = [each for each in declarations.matcher.mappings if mode.overdue(each.runbook.declaration.review)]
    return sum(_demoted(connection, each, environment, moved, earned=earned) for each in due)


def _demoted(
    connection: sa.Connection,
    mapping: CompiledMapping,
    environment: str,
    moved: dict[mode.Key, mode.Moved],
    *,
    earned: bool,
) -> bool:
    key, declared = (mapping.name, environment), mapping.declaration.mode_in(environment)
    counted = mode.effective(declared, moved.get(key), earned=earned and mapping.runbook.changes)
    on = mapping.runbook.declaration.review
    why = f"the review of {mapping.pack}/{mapping.runbook.id} {mapping.runbook.version} was due on {on}"
    return mode.demote(connection, key, counted, declared, why, {"review": str(on)})
