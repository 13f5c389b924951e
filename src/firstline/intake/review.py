"""What mappings lose by the calendar or by an edit, told in the ledger: a runbook whose review date has passed runs by
itself no more, and a promotion holds for the files that it was given to."""

import sqlalchemy as sa

from firstline.intake.decide import Declarations
from firstline.mapping import CompiledMapping
from firstline.remediation.autonomy import mode


def review(connection: sa.Connection, declarations: Declarations, environment: str, *, earned: bool) -> int:
    """Called by the clock, and when files have changed; gives how many mappings lost their mode."""
    moved = mode.read(connection)
    mappings = declarations.matcher.mappings
    voided = sum(_voided(connection, each, environment, moved, earned=earned) for each in mappings)
    due = [each for each in mappings if mode.overdue(each.runbook.declaration.review)]
    return voided + sum(_demoted(connection, each, environment, moved, earned=earned) for each in due)


def _voided(
    connection: sa.Connection,
    mapping: CompiledMapping,
    environment: str,
    moved: dict[mode.Key, mode.Moved],
    *,
    earned: bool,
) -> bool:
    key, declared = (mapping.name, environment), mapping.declaration.mode_in(environment)
    last = moved.get(key)
    if last is None or not last.digest or (last.declared == declared and last.digest == mapping.digest):
        return False
    counted = mode.effective(declared, last, earned=earned and mapping.runbook.changes, digest=mapping.digest)
    facts = {"promoted by": last.by, "files then": last.digest, "files now": mapping.digest}
    mode.move(connection, key, counted.mode, declared, "its files were edited since it was promoted", facts)
    moved[key] = mode.read(connection)[key]
    return True


def _demoted(
    connection: sa.Connection,
    mapping: CompiledMapping,
    environment: str,
    moved: dict[mode.Key, mode.Moved],
    *,
    earned: bool,
) -> bool:
    key, declared = (mapping.name, environment), mapping.declaration.mode_in(environment)
    changes = earned and mapping.runbook.changes
    counted = mode.effective(declared, moved.get(key), earned=changes, digest=mapping.digest).mode
    on = mapping.runbook.declaration.review
    why = f"the review of {mapping.pack}/{mapping.runbook.id} {mapping.runbook.version} was due on {on}"
    return mode.demote(connection, key, counted, declared, why, {"review": str(on)})
