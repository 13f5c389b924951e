"""Starts what is due, no more at once than allowed, and goes on with what a dead process left."""

import asyncio
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
import structlog

from firstline.governor import connection as connections
from firstline.remediation.context import Context
from firstline.remediation.course import WORKFLOW
from firstline.remediation.timeline import tell
from firstline.store.lease import Leases
from firstline.store.table import REMEDIATION, now

log = structlog.get_logger()

LOOK = 1.0  # seconds between two looks without being woken: what became due, or was left by another process


class Runner:
    def __init__(self, context: Context, leases: Leases, concurrency: int) -> None:
        self._context = context
        self._leases = leases
        self._concurrency = concurrency
        self._claiming = asyncio.Lock()  # held until what was claimed is started
        self._seen_free: set[str] = set()

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
        async with self._claiming:
            due = await self._context.database.write(self._claim)
            for remediation_id, turn in due:
                # Whatever goes on with the turn after a crash does not find it here: it has to look for what was left.
                self._context.fresh.add((remediation_id, turn))
                await self._context.engine.start(WORKFLOW, remediation_id, turn)
        return len(due)

    async def take_over(self) -> None:
        """Go on with what processes that are dead for certain had in hand, and with turns of our own that broke off.
        Called at start and by the clock."""
        await asyncio.to_thread(
            self._leases.take, self._context.boot
        )  # gone with the database's connection, if that broke
        await self._take_up_own()
        owners = await self._context.database.read(self._owners) | await self._context.engine.owners()
        for boot in await asyncio.to_thread(self._dead, owners - {self._context.boot}):
            log.warning("runner.take_over", boot=boot)
            await self._adopt(boot)
            await self._context.engine.take_over(boot)

    def _dead(self, boots: set[str]) -> set[str]:
        """Those whose lease is free. On PostgreSQL twice in a row: after a restart of the server all leases are free
        for a moment, until the living have taken theirs again."""
        free = {boot for boot in boots if self._leases.is_free(boot)}
        before, self._seen_free = self._seen_free, free
        return free if self._context.database.is_sqlite else free & before

    async def _take_up_own(self) -> None:
        """A turn that died of an error (the database was away) leaves its row ours: it is due again."""
        mine = sa.select(REMEDIATION.c.id, REMEDIATION.c.turn, REMEDIATION.c.attempts)
        mine = mine.where(REMEDIATION.c.owner == self._context.boot)
        async with self._claiming:
            rows = await self._context.database.read(lambda connection: connection.execute(mine).all())
        for row in rows:
            if await self._context.engine.is_over(WORKFLOW, row.id, row.turn):
                log.error("runner.broken_off", remediation=row.id, turn=row.turn)
                await self._context.database.write(
                    partial(self._release, id_=row.id, turn=row.turn, attempts=row.attempts)
                )

    def _release(self, connection: sa.Connection, id_: str, turn: int, attempts: int) -> None:
        """Due again, with back-off. The turn counts on, so that nothing of the broken one changes the row."""
        seconds = connections.back_off(attempts)
        still = (REMEDIATION.c.id == id_, REMEDIATION.c.turn == turn, REMEDIATION.c.owner == self._context.boot)
        due = {"wake_at": now() + timedelta(seconds=seconds), "attempts": attempts + 1}
        values = {"owner": None, "turn": turn + 1, **due}
        if connection.execute(sa.update(REMEDIATION).where(*still).values(**values)).rowcount:
            tell(connection, id_, "waits", f"Broke off by an error; gone on with in {seconds:.0f} s")

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
        """What the dead had in hand is due. The turn counts on: should it wake all the same, it changes no row."""
        values = {"owner": None, "turn": REMEDIATION.c.turn + 1, "wake_at": now()}
        left = sa.update(REMEDIATION).where(REMEDIATION.c.owner == boot).values(**values)
        await self._context.database.write(lambda connection: connection.execute(left))
        self._context.work.set()


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event at most so long, and take it."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
