"""The workflow: from `ready` over `prepared` to `ended`. It never waits for a person or a vendor: then it ends, and the
runner starts the next one when it is due. The stage in the row is its checkpoint, written with what it tells; so a turn
that is gone on with after a crash begins at its stage, and finds what an earlier try of that stage has left."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable, Unknown
from firstline.governor import connection as connections
from firstline.incident import Incident, Reference
from firstline.remediation.check import hold
from firstline.remediation.context import Context
from firstline.remediation.cover import cover
from firstline.remediation.finding import Findings, Outcome
from firstline.remediation.fix import fix
from firstline.remediation.plan import Plan
from firstline.remediation.procedure import Procedure
from firstline.remediation.report import report
from firstline.remediation.timeline import tell
from firstline.store.database import passing
from firstline.store.table import REMEDIATION, now

log = structlog.get_logger()

Row = dict[str, Any]
Values = dict[str, Any]

WORKFLOW = "remediate"


class Course:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._stages: dict[str, Callable[[Row, bool], Awaitable[Row | None]]] = {
            "ready": self._ready,
            "prepared": self._prepared,
            "acted": self._acted,
        }
        context.engine.define(WORKFLOW, self.advance)

    async def advance(self, remediation_id: str, turn: int) -> None:
        """Take a remediation as far as it can go now."""
        first = (remediation_id, turn) in self._context.fresh
        self._context.fresh.discard((remediation_id, turn))
        row = await self._mine(remediation_id, turn)
        if row is not None and row["stage"] == "ready" and await self._is_paused(row["plan"]["change_register"]):
            # Not one more sign-in with what was refused: vendors lock accounts for that.
            await self._wait(row, f"{row['plan']['change_register']} is paused", connections.PAUSED_LOOK)
            return
        while row is not None and row["stage"] in self._stages:
            row = await self._guarded(row, first)
        self._context.work.set()

    async def _ready(self, row: Row, first: bool) -> Row | None:
        """The fault is still there; then the change is opened and brought to Implement."""
        plan, incident = Plan.model_validate(row["plan"]), Incident.model_validate(row["incident"])
        procedure = Procedure(self._context, row["id"], row["turn"], plan)
        findings = Findings()
        for check in plan.runbook.before:
            seen = await hold(procedure, "before", check)
            findings.outcomes.append(seen)
            if not seen.answered:
                raise Rejected(f"{check.name}: could not be looked at: {seen.detail}")
            if not seen.ok:
                why = f"{check.name}: {seen.detail}"
                await self._end(row, "not_needed", findings, why)
                return None
        found = findings.model_dump(mode="json")
        if plan.runbook.change is None:
            return await self._move(row, {"stage": "prepared", "findings": found}, "prepared", "")
        known = Reference.model_validate(row["change"]) if row["change"] else None
        tried = not first or row["turn"] > 1
        change = await cover(self._context, row["id"], plan, incident, known, tried=tried)
        values = {"stage": "prepared", "change": change.model_dump(mode="json"), "findings": found}
        kind = plan.runbook.change.type.capitalize()
        told = f"{kind} change {change.label} in {change.connection} is in Implement"
        return await self._move(row, values, "prepared", told)

    async def _prepared(self, row: Row, _: bool) -> None:
        """The fix runs, and is proved or rolled back."""
        plan = Plan.model_validate(row["plan"])
        procedure = Procedure(self._context, row["id"], row["turn"], plan)

        async def keep(findings: Findings) -> None:
            values = {"findings": findings.model_dump(mode="json")}
            await self._context.database.write(lambda connection: _update(connection, row, values))

        findings = await fix(procedure, plan, Findings.model_validate(row["findings"] or {}), keep)
        await self._end(row, "failed" if findings.failed else "proved", findings, findings.failed)

    async def _acted(self, row: Row, _: bool) -> None:
        """What was refused or has expired is reported."""
        await self._context.database.write(lambda connection: report(connection, self._context, row["id"], row["turn"]))
        self._context.writes.set()

    async def _mine(self, remediation_id: str, turn: int) -> Row | None:
        """The row, if this turn is still the one that counts."""
        query = sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == turn)
        row = await self._context.database.read(lambda connection: connection.execute(query).mappings().first())
        return dict(row) if row else None

    async def _is_paused(self, name: str) -> bool:
        return bool(name) and name in await self._context.database.read(connections.paused)

    async def _guarded(self, row: Row, first: bool) -> Row | None:
        """Do a stage's work, and what its error says happens next; gives the row as it stands then, or None to stop."""
        findings = Findings.model_validate(row["findings"] or {})
        try:
            return await self._stages[row["stage"]](row, first)
        except Unavailable as error:
            await self._wait(row, str(error), error.retry_after)
        except Unauthorized as error:
            # Before the report only the register is spoken to.
            await self._context.governor.pause(str(row["plan"]["change_register"]), str(error))
            await self._wait(row, str(error), connections.PAUSED_LOOK)
        except Unknown as error:
            await self._end(row, "unknown", findings, str(error))
        except FirstlineError as error:
            await self._end(row, "stopped", findings, str(error))
        except Exception as error:  # a defect must reach a person, not vanish in the engine
            if passing(
                error
            ):  # not the fix's doing: the turn breaks off, and is gone on with when the database is back
                raise
            log.exception("remediation.defect", remediation=row["id"])
            await self._end(row, "unknown", findings, f"a defect of Firstline: {type(error).__name__}: {error}")
        return None

    async def _wait(self, row: Row, why: str, asked: float | None) -> None:
        """Let go of it, due again later: at the wait the vendor asked for, else with back-off."""
        seconds = connections.back_off(row["attempts"], asked)
        due = now() + timedelta(seconds=seconds)
        values = {"owner": None, "wake_at": due, "attempts": row["attempts"] + 1, "reason": why[:2000]}
        await self._move(row, values, "waits", f"Tried again in {seconds:.0f} s: {why}")

    async def _move(self, row: Row, values: Values, act: str, told: str) -> Row | None:
        """Change the row and tell it; gives the row as it is then, or None when this turn no longer counts."""
        values = {"attempts": 0, **values}

        def move(connection: sa.Connection) -> bool:
            moved = _update(connection, row, values)
            if moved and told:
                tell(connection, row["id"], act, told)
            return moved

        return {**row, **values} if await self._context.database.write(move) else None

    async def _end(self, row: Row, outcome: str, findings: Findings, reason: str) -> None:
        """Put down how it went, and what is to be told where, in one transaction."""
        told = findings.model_dump(mode="json")
        values = {"stage": "acted", "outcome": outcome, "reason": reason[:2000], "findings": told}

        def end(connection: sa.Connection) -> None:
            if _update(connection, row, values):
                tell(connection, row["id"], outcome, reason or _summary(findings.outcomes))
                report(connection, self._context, row["id"], row["turn"])

        await self._context.database.write(end)
        self._context.writes.set()


def _update(connection: sa.Connection, row: Row, values: Values) -> bool:
    """Change the row if this turn and stage still count: a late part of an earlier try changes nothing."""
    mine = (REMEDIATION.c.id == row["id"], REMEDIATION.c.turn == row["turn"], REMEDIATION.c.stage == row["stage"])
    return connection.execute(sa.update(REMEDIATION).where(*mine).values(**values)).rowcount == 1


def _summary(outcomes: list[Outcome]) -> str:
    return "; ".join(f"{o.name}: {'ok' if o.ok else 'failed'}{f' {o.detail}' if o.detail else ''}" for o in outcomes)
