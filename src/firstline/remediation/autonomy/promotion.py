"""Autonomy that is earned: what a mapping has to show before it may do more by itself."""

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from firstline import registry
from firstline.connector import ChangeRegister
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.mapping import CompiledMapping
from firstline.mapping.model import Mode
from firstline.register.past import past
from firstline.register.pin import pins
from firstline.register.proposal import Proposed, proposal
from firstline.remediation.autonomy import mode
from firstline.remediation.begin import write_back
from firstline.remediation.eyes import Barred, identity
from firstline.settings import OWN_REGISTER, Settings
from firstline.store.database import insert
from firstline.store.table import REMEDIATION, RUN, WRITE_BACK

LOOKED = 1000  # remediations back: nobody's record goes on for longer
PROPOSAL = "proposal"


class Record(BaseModel):
    """What a mapping has shown in mode `approve` with its runbook as it is, since it last failed. `broken_by`: the last
    remediation that failed, in whatever mode, or came back."""

    model_config = ConfigDict(frozen=True)

    successes: int
    since: str = ""
    last: str = ""
    broken_by: str = ""
    remediations: tuple[str, ...] = ()


def shown(connection: sa.Connection, mapping: CompiledMapping, environment: str) -> Record:
    """Count its verified successes, newest first, back to what broke the row. What was stopped before anything ran says
    nothing."""
    ran = sa.exists().where(RUN.c.remediation_id == REMEDIATION.c.id, RUN.c.phase == "step")
    same = sa.type_coerce(REMEDIATION.c.plan, sa.Text).contains(f'"runbook_digest":"{mapping.runbook.digest}"')
    query = (
        sa.select(
            *(REMEDIATION.c.id, REMEDIATION.c.outcome, REMEDIATION.c.reopened_at, REMEDIATION.c.ended_at),
            sa.and_(REMEDIATION.c.mode == "approve", same).label("counts"),
        )
        .where(
            REMEDIATION.c.mapping == mapping.name,
            REMEDIATION.c.environment == environment,
            REMEDIATION.c.outcome.in_(("proved", "failed", "unknown")) | ((REMEDIATION.c.outcome == "stopped") & ran),
            REMEDIATION.c.ended_at.is_not(None),
        )
        .order_by(REMEDIATION.c.ended_at.desc())
        .limit(LOOKED)
    )
    good: list[Any] = []
    for row in connection.execute(query):
        if row.outcome != "proved" or row.reopened_at is not None:
            return _record(good, row.id)
        if row.counts:
            good.append(row)
    return _record(good, "")


def promote(
    connection: sa.Connection,
    mapping: CompiledMapping,
    environment: str,
    to: Mode,
    by: str,
    reason: str,
    needed: int,
    propose_to: str = "",
) -> Record:
    """Give a mapping a mode, on a person's word. `auto` asks for a record of `needed` verified successes. Raises
    `Rejected`, saying what is missing. `propose_to`: the register that takes proposals of standard changes; it gets one
    for what now runs by itself, with the evidence."""
    if not reason.strip():
        raise Rejected("a promotion needs a reason")
    _four_eyes(connection, mapping, by)
    record = shown(connection, mapping, environment)
    if to == "auto" and record.successes < needed:
        after = f" since {record.broken_by} failed or came back" if record.broken_by else ""
        raise Rejected(
            f"{mapping.name} needs {needed} verified successes in mode approve to run by itself in {environment}; with "
            f"its runbook as it is it has {record.successes}{after}"
        )
    declared, key = mapping.declaration.mode_in(environment), (mapping.name, environment)
    evidence = {**record.model_dump(mode="json"), mode.FILES: mapping.digest}
    mode.move(connection, key, to, declared, reason.strip(), evidence, by=by)
    if to == "auto" and propose_to:
        _propose(connection, mapping, propose_to, by)
    return record


def taker(settings: Settings) -> str:
    """The register that takes proposals of standard changes; empty: there is none."""
    name = settings.changes.register_
    if name == OWN_REGISTER:
        return ""
    kind = registry.connector(settings.connections[name]["connector"])
    return name if issubclass(kind, ChangeRegister) and kind.propose is not ChangeRegister.propose else ""


def lower(
    connection: sa.Connection, mapping: CompiledMapping, environment: str, to: Mode, by: str, reason: str
) -> None:
    """Take a mode, on a person's word. Raises `Rejected`."""
    if not reason.strip():
        raise Rejected("say why: what is taken has a reason")
    declared, key = mapping.declaration.mode_in(environment), (mapping.name, environment)
    mode.move(connection, key, to, declared, reason.strip(), {mode.FILES: mapping.digest}, by=by)


def _four_eyes(connection: sa.Connection, mapping: CompiledMapping, by: str) -> None:
    runbook = mapping.runbook
    authors, editors = (
        frozenset(name.strip().casefold() for name in names) for names in (runbook.declaration.authors, runbook.editors)
    )
    why = Barred("", frozenset(), authors, editors).reason(identity(connection, by))
    if why:
        raise Rejected(f"{why}: somebody else promotes {mapping.name}")


def _propose(connection: sa.Connection, mapping: CompiledMapping, register: str, by: str) -> None:
    """Through the outbox: a register that is down gets it later, and one that has it keeps it. Nothing where the
    version is pre-approved already, or was proposed before."""
    runbook, named = mapping.runbook, f"{mapping.pack}/{mapping.runbook.id}"
    if not runbook.changes or (named, runbook.digest) in pins(connection):
        return
    made = proposal(mapping.pack, runbook, past(connection, named, runbook.digest))
    body = Proposed(proposal=made, runbook=named, version=runbook.version, digest=runbook.digest, by=by)
    row = write_back("", PROPOSAL, PROPOSAL, Reference(connection=register, kind=PROPOSAL, id=made.key), body)
    row.key = f"{PROPOSAL}.{made.key}"
    if connection.execute(sa.select(WRITE_BACK.c.id).where(WRITE_BACK.c.key == row.key)).first() is None:
        insert(connection, row)


def _record(good: list[Any], broken_by: str) -> Record:
    if not good:
        return Record(successes=0, broken_by=broken_by)
    return Record(
        successes=len(good),
        since=good[-1].ended_at.isoformat(timespec="seconds"),
        last=good[0].ended_at.isoformat(timespec="seconds"),
        broken_by=broken_by,
        remediations=tuple(row.id for row in good),
    )
