"""The workflow: from `ready` over `opened` and `prepared` to `ended`. It never waits for a person or a vendor: then it
ends, and the runner starts the next one when it is due. The stage in the row is its checkpoint, written with what it
tells; so a turn that is gone on with after a crash begins at its stage, and finds what an earlier try of that stage has
left."""

from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.errors import FirstlineError, Unauthorized, Unavailable, Unknown
from firstline.governor import connection as connections
from firstline.remediation.change.cover import waits
from firstline.remediation.change.follow import following
from firstline.remediation.change.opened import opened
from firstline.remediation.context import Context
from firstline.remediation.hold.admission import is_meant
from firstline.remediation.ready import ready
from firstline.remediation.report import report
from firstline.remediation.run.attempt import Overtaken
from firstline.remediation.run.fix import fix
from firstline.remediation.turn import BEFORE, Turn
from firstline.store.database import passing
from firstline.store.table import REMEDIATION, now

log = structlog.get_logger()

WORKFLOW = "remediate"


async def prepared(turn: Turn) -> None:
    """The fix runs, and is proved or rolled back."""
    if not await is_meant(turn):
        return
    findings = turn.findings
    try:
        await fix(turn.procedure(), turn.plan, findings, turn.keep)
    except Overtaken as error:
        # To where all that lets it go is looked at: plan, guards, fault, and where its change waits that as well.
        back = "opened" if turn.change is not None and waits(turn) else "ready"
        await turn.move({"stage": back}, "looks again", f"Nothing was begun, and all is looked at again: {error}")
        return
    finally:  # whatever broke it off, what was done until then is told
        turn.row["findings"] = findings.model_dump(mode="json")
    await turn.end("failed" if findings.failed else "proved", findings, findings.failed)


async def acted(turn: Turn) -> None:
    """What was refused or has expired is reported."""
    context = turn.context
    await context.database.write(lambda connection: report(connection, context, turn.id, turn.row["turn"]))
    context.writes.set()
    turn.goes = False


STAGES: dict[str, Callable[[Turn], Awaitable[None]]] = {
    "ready": ready,
    "opened": opened,
    "prepared": prepared,
    "acted": acted,
    "following": following,
}


class Course:
    def __init__(self, context: Context) -> None:
        self._context = context
        context.engine.define(WORKFLOW, self.advance)

    async def advance(self, remediation_id: str, number: int) -> None:
        """Take a remediation as far as it can go now."""
        first = (remediation_id, number) in self._context.fresh
        self._context.fresh.discard((remediation_id, number))
        row = await self._mine(remediation_id, number)
        if row is not None:
            turn = Turn(self._context, row, first)
            while turn.goes and turn.row["stage"] in STAGES:
                await self._guarded(turn)
        self._context.work.set()

    async def _mine(self, remediation_id: str, number: int) -> dict[str, Any] | None:
        """The row, if this turn is still the one that counts."""
        query = sa.select(REMEDIATION).where(REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == number)
        row = await self._context.database.read(lambda connection: connection.execute(query).mappings().first())
        return dict(row) if row else None

    async def _guarded(self, turn: Turn) -> None:
        """Do a stage's work, and what its error says happens next."""
        if turn.row["stage"] in BEFORE:
            turn.looked_at = now()
        try:
            await STAGES[turn.row["stage"]](turn)
        except Unavailable as error:
            await turn.wait(str(error), error.retry_after)
        except Unauthorized as error:
            await turn.wait(str(error), connections.PAUSED_LOOK)
        except Unknown as error:
            await turn.end("unknown", turn.findings, str(error))
        except FirstlineError as error:
            await turn.end("stopped", turn.findings, str(error))
        except Exception as error:  # a defect must reach a person, not vanish in the engine
            if passing(error):  # not the fix's doing: the turn breaks off, and goes on when the database is back
                raise
            log.exception("remediation.defect", remediation=turn.id)
            if turn.row["ended_at"] is not None:  # how it ended stands; what follows is tried again
                await turn.wait(f"a defect of Firstline: {type(error).__name__}: {error}")
                return
            await turn.end("unknown", turn.findings, f"a defect of Firstline: {type(error).__name__}: {error}")
