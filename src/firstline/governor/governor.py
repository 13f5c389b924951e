"""The governor: what may be asked of a connection now, and by whom; one for all that a process asks."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from firstline.connector import Connector
from firstline.errors import FirstlineError, Unauthorized, Unavailable
from firstline.governor import connection as connections
from firstline.governor.allowance import Allowance, Priority
from firstline.governor.usage import Usage
from firstline.meter import Meter
from firstline.settings import Budget
from firstline.store import Database
from firstline.store.table import now

log = structlog.get_logger()

T = TypeVar("T")

PROBE_LOOK = 1.0  # seconds between two looks whether the one request after a rest was answered


class Governor:
    """`budgets`: what the operator set, by connection. `pager`: the connection that calls people; empty: none."""

    def __init__(
        self,
        database: Database,
        connectors: Mapping[str, Connector[Any]],
        budgets: Mapping[str, Budget],
        pager: str = "",
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.pager = pager
        self.clock = clock
        self._database = database
        self._connectors = connectors
        self._budgets = budgets
        self._usages: dict[str, Usage] = {}
        self._probes: set[str] = set()  # connections whose first request after a rest is ours, and under way

    @asynccontextmanager
    async def asking(self, name: str, priority: Priority) -> AsyncIterator[None]:
        """Ask the connection's vendor, and remember whether it answered. Raises `Unavailable` with the wait where
        nothing may be asked now."""
        wait = await self.admit(name, priority)
        if wait:
            why = f"{name} is not asked now: it is paused, rests after failures, or its budget is spent"
            raise Unavailable(why, retry_after=wait)
        try:
            yield
        except Unavailable as error:
            await self.failed(name, error)
            raise
        except Unauthorized as error:
            await self.pause(name, str(error))
            raise
        except FirstlineError:  # an answer, too
            await self.succeeded(name)
            raise
        await self.succeeded(name)

    async def admit(self, name: str, priority: Priority) -> float:
        """Seconds to wait before the connection may be asked; 0: go, and tell `succeeded` or `failed` afterwards."""
        usage = self._usage(name)
        await usage.look()
        if usage.standing.paused:
            return connections.PAUSED_LOOK
        wait = usage.wait(priority)
        if not wait and usage.standing.rests_until is not None:
            wait = await self._probe(name, usage.standing.rests_until)
        if not wait:
            usage.let_in(priority)
        return wait

    def probing(self, name: str) -> bool:
        """True while the one request that is tried after a rest is ours."""
        return name in self._probes

    async def forgo(self, name: str) -> None:
        """What was admitted is not asked after all: another may be the first after the rest."""
        if name in self._probes:
            self._probes.discard(name)
            moment = self.clock()
            await self._stand(name, lambda connection: connections.rest(connection, name, moment))

    async def succeeded(self, name: str) -> None:
        """The vendor answered, be it with a refusal."""
        self._probes.discard(name)
        self._usage(name).take()
        if self._usage(name).standing.troubled:
            await self._stand(name, lambda connection: connections.answered(connection, name))

    async def failed(self, name: str, error: Unavailable) -> None:
        """The vendor could not be asked, or asked for a wait: perhaps the connection rests."""
        probe, moment = name in self._probes, self.clock()
        self._probes.discard(name)
        self._usage(name).take()
        asked = error.retry_after
        await self._stand(name, lambda connection: connections.failed(connection, name, asked, moment, probe=probe))

    async def pause(self, name: str, reason: str) -> None:
        """The sign-in is refused: use the connection no more until a person resumes it, and call for one."""
        self._probes.discard(name)
        reason = reason[:2000]
        if await self._stand(name, lambda connection: connections.pause(connection, name, reason, self.pager)):
            log.error("connection.paused", connection=name, reason=reason)

    async def resume(self, name: str) -> bool:
        """Use it again, and look at once at what waits. False when it was not paused."""
        return await self._stand(name, lambda connection: connections.resume(connection, name, self.pager))

    async def usage(self, name: str) -> tuple[Allowance, int]:
        """What was asked of the connection in this window by all, until now, and since the first start."""
        usage = self._usage(name)
        await usage.flush()
        return usage.allowance, usage.total

    async def close(self) -> None:
        """Leave nothing uncounted."""
        for usage in self._usages.values():
            await usage.flush()

    def _usage(self, name: str) -> Usage:
        if name not in self._usages:
            connector, budget = self._connectors.get(name), self._budgets.get(name) or Budget()
            meter = connector.meter if connector else Meter()  # of a connection that is no longer declared
            self._usages[name] = Usage(self._database, name, meter, budget, self.clock)
        return self._usages[name]

    async def _probe(self, name: str, rests_until: datetime) -> float:
        """Whether this is the one request that is tried after a rest; else seconds to wait."""
        moment = self.clock()
        if rests_until > moment:
            left = (rests_until - moment).total_seconds()
            return min(PROBE_LOOK, left) if name in self._probes else left
        if await self._stand(name, lambda connection: connections.probe(connection, name, moment)):
            self._probes.add(name)
            return 0.0
        return PROBE_LOOK  # another process was faster

    async def _stand(self, name: str, act: Callable[[sa.Connection], T]) -> T:
        """Change how the connection stands, and know it."""

        def change(connection: sa.Connection) -> tuple[T, connections.Standing]:
            return act(connection), connections.standing(connection, name)

        done, self._usage(name).standing = await self._database.write(change)
        return done


__all__ = ["Governor", "Priority"]
