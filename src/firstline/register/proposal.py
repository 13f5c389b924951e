"""Proposes a version of a runbook for pre-approval, with what its past runs show."""

from dataclasses import dataclass

import sqlalchemy as sa

from firstline.change import text
from firstline.connector import ChangeRegister, Proposal, Value
from firstline.declaration import Json, digest
from firstline.declaration.canonical import canonical
from firstline.errors import Rejected
from firstline.governor import Governor, Priority
from firstline.incident import Reference
from firstline.ledger import record
from firstline.masking import Masker
from firstline.register.past import Past, evidence, past
from firstline.runbook import Runbook
from firstline.runbook.model import CheckDeclaration, ProgramDeclaration
from firstline.store import Database


class Proposed(Value):
    """A proposal, and what it is about: a version of a runbook (pack and id), and who asked for it."""

    proposal: Proposal
    runbook: str
    version: str
    digest: str
    by: str


@dataclass(frozen=True)
class Proposals:
    database: Database
    governor: Governor
    mask: Masker

    async def propose(self, name: str, register: ChangeRegister, pack: str, runbook: Runbook, by: str) -> Reference:
        """Find or make the proposal in the register that is called `name`, and enter it in the ledger. Raises what the
        register raises, and `Rejected` for a runbook that changes nothing."""
        key = f"{pack}/{runbook.id}"
        seen = await self.database.read(lambda connection: past(connection, key, runbook.digest))
        made = self.mask.model(proposal(pack, runbook, seen))
        async with self.governor.asking(name, Priority.INTERACTIVE):
            reference = await register.propose(made)
        done = Proposed(proposal=made, runbook=key, version=runbook.version, digest=runbook.digest, by=by)
        await self.database.write(lambda connection: enter(connection, done, reference))
        return reference


def enter(connection: sa.Connection, done: Proposed, reference: Reference) -> None:
    """Into the ledger, once the register has it."""
    said = f"Proposed {done.runbook} {done.version} (digest {done.digest}) to {reference.connection} as"
    facts: dict[str, Json] = {"digest": done.digest, "proposal": reference.model_dump(mode="json")}
    record(connection, f"runbook:{done.runbook}", "proposed", f"{said} {reference.label}", by=done.by, facts=facts)


def proposal(pack: str, runbook: Runbook, past: Past) -> Proposal:
    """Commands stand in it as they are declared: what `${{ }}` gives is known for each incident only."""
    declared = runbook.declaration
    change = declared.change
    if change is None:
        raise Rejected(f"{pack}/{runbook.id} only reads: it needs no change, so there is nothing to pre-approve")
    named = f"{pack}/{runbook.id} {runbook.version}"
    head = f"{named}, owned by {declared.owner}, digest {runbook.digest}"
    steps = text.fitting(text.numbered(map(_step, declared.steps)), text.FIELD - text.TESTS, "the runbook has them all")
    undone = [step.undo for step in reversed(declared.steps) if step.undo]
    rollback = text.numbered(map(_step, (*undone, *declared.rollback)))
    return Proposal(
        key=f"firstline-{digest([pack, runbook.id, runbook.digest])[:32]}",
        name=text.cut(f"{change.template or declared.title} ({named})", text.TITLE),
        short_description=text.cut(declared.title, text.TITLE),
        description=text.cut(f"{head}\n\n{declared.description}", text.FIELD),
        justification=text.cut(
            f"It is run by Firstline on incidents that a mapping of the pack {pack} matches, and proved each time. "
            f"Pre-approved is exactly this version: another digest is a normal change again.\n\n{evidence(past)}",
            text.FIELD,
        ),
        implementation_plan="\n".join(steps),
        backout_plan=text.cut("\n".join([change.backout, *rollback]), text.FIELD) or "Nothing is undone by itself.",
        test_plan="\n".join(text.numbered(map(_step, declared.after))) or "By the exit status of its steps.",
        risk_and_impact=change.risk,
        evidence=evidence(past),
        ci="" if "${{" in change.ci else change.ci,
        group=declared.owner,
    )


def _step(step: ProgramDeclaration) -> str:
    if isinstance(step, CheckDeclaration) and (looks := _looks(step)):
        return f"{step.name}: {looks}"
    return f"{step.name}: {' '.join(step.run) if step.run else f'{step.executor} {canonical(step.with_).decode()}'}"


def _looks(check: CheckDeclaration) -> str:
    if check.http:
        return f"{check.http.url} answers {check.http.status}"
    if check.query:
        return f"{check.query.holds} in {check.query.source}: {check.query.ask}"
    if check.tcp:
        return f"{check.tcp} takes a connection"
    return f"the incident is {check.alert} at its source" if check.alert else ""
