"""Starts what is due, no more at once than allowed, and goes on with what a dead process left."""

import asyncio

import sqlalchemy as sa
import structlog

from firstline.remediation.context import Context
from firstline.remediation.course import WORKFLOW
from firstline.store.lease import Leases
from firstline.store.table import REMEDIATION, now

log = structlog.get_logger()

LOOK = 1.0  # seconds between two looks without being woken: what became due, or was left by another process


class Runner:
    def __init__(self, context: Context, leases: Leases, concurrency: int) -> None:
        self._context = context
        self._leases = leases
        self._concurrency = concurrency

    async def run(self) -> None:
        """Start what is due, for ever."""
        while True:
            try:
                while await self.start_due():
                    pass
            except sa.exc.DBAPIError:
                log.exception("runner.database")
            await wait(self._context.work, LOOK)

    async def start_due(self) -> int:
        """Claim what is due and start it; gives how many."""
        due = await self._context.database.write(self._claim)
        for remediation_id, turn in due:
            # Whatever goes on with the turn after a crash does not find it here: it has to look for what was left.
            self._context.fresh.add((remediation_id, turn))
            await self._context.engine.start(WORKFLOW, remediation_id, turn)
        return len(due)

    async def take_over(self) -> None:
        """Go on with the work of processes that are dead for certain. Called at start and by the clock."""
        owners = await self._context.database.read(self._owners) | await self._context.engine.owners()
        for boot in owners - {self._context.boot}:
            if self._leases.is_free(boot):
                log.warning("runner.take_over", boot=boot)
                await self._context.engine.take_over(boot)
                await self._adopt(boot)

    def _claim(self, connection: sa.Connection) -> list[tuple[str, int]]:
        mine = sa.select(sa.func.count()).where(REMEDIATION.c.owner == self._context.boot)
        free = self._concurrency - (connection.scalar(mine) or 0)
        if free <= 0:
            return []
        due = (
            sa.select(REMEDIATION.c.id, REMEDIATION.c.turn)
            .where(REMEDIATION.c.wake_at <= now(), REMEDIATION.c.owner.is_(None))
            .order_by(REMEDIATION.c.wake_at)
            .limit(free)
            .with_for_update(skip_locked=True)  # SQLite knows no row locks and needs none
        )
        return [
            (remediation_id, turn + 1)
            for remediation_id, turn in connection.execute(due).all()
            if self._take(connection, remediation_id, turn)
        ]

    def _take(self, connection: sa.Connection, remediation_id: str, turn: int) -> bool:
        still = (REMEDIATION.c.id == remediation_id, REMEDIATION.c.turn == turn, REMEDIATION.c.owner.is_(None))
        values = {"owner": self._context.boot, "turn": turn + 1, "wake_at": None}
        return connection.execute(sa.update(REMEDIATION).where(*still).values(**values)).rowcount == 1

    def _owners(self, connection: sa.Connection) -> set[str]:
        owners = sa.select(REMEDIATION.c.owner).where(REMEDIATION.c.owner.is_not(None)).distinct()
        return {owner for owner in connection.execute(owners).scalars() if owner}

    async def _adopt(self, boot: str) -> None:
        """What was claimed by the dead: ours now, and started if it died before it could start it."""

        def adopt(connection: sa.Connection) -> list[tuple[str, int]]:
            left = connection.execute(
                sa.select(REMEDIATION.c.id, REMEDIATION.c.turn).where(REMEDIATION.c.owner == boot)
            )
            rows = [(row.id, row.turn) for row in left]
            connection.execute(
                sa.update(REMEDIATION).where(REMEDIATION.c.owner == boot).values(owner=self._context.boot)
            )
            return rows

        for remediation_id, turn in await self._context.database.write(adopt):
            if not await self._context.engine.knows(WORKFLOW, remediation_id, turn):
                await self._context.engine.start(WORKFLOW, remediation_id, turn)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event at most so long, and take it."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
