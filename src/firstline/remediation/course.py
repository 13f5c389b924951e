"""The workflow: prepare, act, report. It never waits for a person or a vendor: then it ends, and the runner starts the
next one when it is due. Each step finds what an earlier try of it left, because a step may run again after a crash."""

import time
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable, Unknown
from firstline.incident import Incident, Reference
from firstline.remediation import connection as connections
from firstline.remediation.check import hold
from firstline.remediation.context import Context
from firstline.remediation.cover import cover
from firstline.remediation.finding import Findings, Outcome
from firstline.remediation.plan import Plan
from firstline.remediation.procedure import Procedure
from firstline.remediation.report import report
from firstline.remediation.timeline import tell
from firstline.store.table import REMEDIATION, now

log = structlog.get_logger()

WORKFLOW = "remediate"
GO, STOP = "go", "stop"


class Course:
    def __init__(self, context: Context) -> None:
        self._context = context
        context.engine.define(WORKFLOW, self.advance)

    async def advance(self, remediation_id: str, turn: int) -> None:
        """Take a remediation as far as it can go now."""
        for name, step in (("prepare", self._prepare), ("act", self._act), ("report", self._report)):
            if await self._context.engine.step(name, step, remediation_id, turn) == STOP:
                return

    async def _prepare(self, remediation_id: str, turn: int) -> str:
        """From `ready` to `prepared`: the fault is still there, and the change is in Implement."""
        row = await self._mine(remediation_id, turn)
        if row is None:
            return STOP
        if row["stage"] != "ready":
            return GO
        return await self._guarded(row, self._ready(row))

    async def _act(self, remediation_id: str, turn: int) -> str:
        """From `prepared` to `acted`: the steps ran, and a check proved them or the rollback ran."""
        row = await self._mine(remediation_id, turn)
        if row is None:
            return STOP
        if row["stage"] != "prepared":
            return GO
        return await self._guarded(row, self._prepared(row))

    async def _report(self, remediation_id: str, turn: int) -> str:
        """From `acted` to `ended`: what is to be written back stands in the outbox, in the same transaction."""
        row = await self._mine(remediation_id, turn)
        if row is not None and row["stage"] == "acted":
            await self._context.database.write(lambda connection: report(connection, row, self._context.url))
            self._context.writes.set()
        return GO

    async def _ready(self, row: Any) -> None:
        plan, incident = _parts(row)
        procedure = Procedure(self._context, row["id"], plan)
        for check in plan.runbook.before:
            seen = await hold(procedure, "before", check)
            if not seen.answered:
                raise Rejected(f"{check.name}: could not be looked at: {seen.detail}")
            if not seen.ok:
                await self._acted(row, "not_needed", Findings(outcomes=[seen]), f"{check.name}: {seen.detail}")
                return
        if plan.runbook.change is not None:
            known = Reference.model_validate(row["change"]) if row["change"] else None
            await cover(self._context, row["id"], plan, incident, known, tried=row["attempts"] > 0 or row["turn"] > 1)
        await self._move(
            row,
            "prepared",
            "prepared",
            "The fault is there; the change is in Implement" if plan.change_register else "",
        )

    async def _prepared(self, row: Any) -> None:
        plan, _ = _parts(row)
        procedure = Procedure(self._context, row["id"], plan)
        findings = Findings.model_validate(row["findings"] or {})
        if not findings.failed:
            findings = await self._fix(row, procedure, plan, findings)
        if findings.failed:
            await self._undo(row, procedure, plan, findings)
            await self._acted(row, "failed", findings, findings.failed)
        else:
            await self._acted(row, "proved", findings, "")

    async def _fix(self, row: Any, procedure: Procedure, plan: Plan, findings: Findings) -> Findings:
        began = time.monotonic()
        for number, command in enumerate(plan.runbook.steps):
            left = plan.runbook.limits.timeout - (time.monotonic() - began)
            bounded = command.model_copy(update={"timeout": max(0.001, min(command.timeout, left))})
            done = await procedure.run("step", number, bounded)
            findings.outcomes.append(done)
            if not done.ok:
                findings.failed = f"{command.name} on {command.target} failed: {done.detail}"
                break
        else:
            await self._prove(procedure, plan, findings)
        if findings.failed:
            # Before the rollback begins: after a crash in it, a check that holds by then must not count as a cure.
            await self._note_findings(row, findings)
        return findings

    async def _prove(self, procedure: Procedure, plan: Plan, findings: Findings) -> None:
        for check in plan.runbook.after:
            seen = await hold(procedure, "after", check)
            findings.outcomes.append(seen)
            if not seen.ok:
                findings.failed = f"not proved: {check.name}: {seen.detail}"
                return

    async def _undo(self, row: Any, procedure: Procedure, plan: Plan, findings: Findings) -> None:
        findings.outcomes = [o for o in findings.outcomes if o.phase not in ("rollback", "diagnose")]
        for number, command in enumerate(plan.runbook.rollback):
            findings.outcomes.append(await procedure.run("rollback", number, command))
        for number, command in enumerate(plan.runbook.diagnose):
            findings.outcomes.append(await procedure.run("diagnose", number, command))
        await self._note_findings(row, findings)

    # where it stands

    async def _mine(self, remediation_id: str, turn: int) -> Any:
        """The row, if this turn is still the one that counts."""
        query = sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == turn)
        return await self._context.database.read(lambda connection: connection.execute(query).mappings().first())

    async def _guarded(self, row: Any, work: Any) -> str:
        """Do a stage's work, and what its error says happens next."""
        try:
            await work
        except Unavailable as error:
            await self._wait(row, str(error), error.retry_after)
            return STOP
        except Unauthorized as error:
            await connections.pause(self._context.database, _culprit(row), str(error))
            await self._wait(row, str(error), connections.PAUSED_LOOK)
            return STOP
        except Unknown as error:
            await self._acted(row, "unknown", Findings.model_validate(row["findings"] or {}), str(error))
        except FirstlineError as error:
            await self._acted(row, "stopped", Findings.model_validate(row["findings"] or {}), str(error))
        except Exception as error:  # a defect must reach a person, not vanish in the engine
            log.exception("remediation.defect", remediation=row["id"])
            words = f"a defect of Firstline: {type(error).__name__}: {error}"
            await self._acted(row, "unknown", Findings.model_validate(row["findings"] or {}), words)
        return GO

    async def _wait(self, row: Any, why: str, asked: float | None) -> None:
        """Let go of it, due again later: at the wait the vendor asked for, else with back-off."""
        seconds = connections.back_off(row["attempts"], asked)

        def let_go(connection: sa.Connection) -> None:
            due = now() + timedelta(seconds=seconds)
            values = {"owner": None, "wake_at": due, "attempts": row["attempts"] + 1, "reason": why[:2000]}
            if _update(connection, row, row["stage"], values):
                tell(connection, row["id"], "waits", f"Tried again in {seconds:.0f} s: {why}")

        await self._context.database.write(let_go)

    async def _acted(self, row: Any, outcome: str, findings: Findings, reason: str) -> None:
        values = {"outcome": outcome, "reason": reason[:2000], "findings": findings.model_dump(mode="json")}
        await self._move(row, "acted", outcome, reason or _summary(findings.outcomes), values)

    async def _move(self, row: Any, to: str, act: str, text: str, values: dict[str, Any] | None = None) -> None:
        def move(connection: sa.Connection) -> None:
            if _update(connection, row, row["stage"], {"stage": to, "attempts": 0, **(values or {})}) and text:
                tell(connection, row["id"], act, text)

        await self._context.database.write(move)

    async def _note_findings(self, row: Any, findings: Findings) -> None:
        values = {"findings": findings.model_dump(mode="json")}
        await self._context.database.write(lambda connection: _update(connection, row, row["stage"], values))


def _update(connection: sa.Connection, row: Any, stage: str, values: dict[str, Any]) -> bool:
    """Change the row if this turn and stage still count: a late step of an earlier try changes nothing."""
    mine = (REMEDIATION.c.id == row["id"], REMEDIATION.c.turn == row["turn"], REMEDIATION.c.stage == stage)
    return connection.execute(sa.update(REMEDIATION).where(*mine).values(**values)).rowcount == 1


def _parts(row: Any) -> tuple[Plan, Incident]:
    return Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])


def _culprit(row: Any) -> str:
    # Before the report only the register is written to.
    return str(row["plan"]["change_register"])


def _summary(outcomes: list[Outcome]) -> str:
    return "; ".join(f"{o.name}: {'ok' if o.ok else 'failed'}{f' {o.detail}' if o.detail else ''}" for o in outcomes)
