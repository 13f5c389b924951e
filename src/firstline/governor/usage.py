"""What was asked of one connection, counted together by all processes.

Requests are counted in memory (the connector's meter) and added to the connection's row at most once a second; the same
look brings what the other processes have asked, and how the connection stands."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from firstline.governor import connection as connections
from firstline.governor.allowance import HOUR, Allowance, Priority
from firstline.meter import Meter, Quota
from firstline.settings import Budget
from firstline.store import Database
from firstline.store.database import insert_or
from firstline.store.table import BUDGET, BudgetRow

LOOK = timedelta(seconds=1)


class Usage:
    """`budget` is what the operator set."""

    def __init__(
        self, database: Database, name: str, meter: Meter, budget: Budget, clock: Callable[[], datetime]
    ) -> None:
        self.standing = connections.Standing()
        self.total = 0  # requests since the first start, as of the last look
        self._database = database
        self._name = name
        self._meter = meter
        self._budget = budget
        self._clock = clock
        self._allowance = Allowance(clock(), budget.per if budget.requests else HOUR)
        self._polls = 0  # let in during this window
        self._unsaved = 0
        self._told: tuple[Quota, datetime] | None = None  # unsaved, and when we heard it
        self._window_is_told = False
        self._looked_at: datetime | None = None
        self._one = asyncio.Lock()

    @property
    def allowance(self) -> Allowance:
        return self._allowance.under(self._budget)

    def wait(self, priority: Priority) -> float:
        """Seconds until the budget lets one more in; 0: now."""
        return self.allowance.wait(priority, self._clock(), self._polls)

    def let_in(self, priority: Priority) -> None:
        self._polls += priority is Priority.POLL

    async def look(self) -> None:
        """Know what is not older than a second."""
        async with self._one:
            self.take()
            if self._looked_at is None or self._clock() - self._looked_at >= LOOK:
                await self._exchange()

    async def flush(self) -> None:
        """Leave nothing uncounted."""
        async with self._one:
            self.take()
            await self._exchange()

    def take(self) -> None:
        """Count what was sent since the last time, and hear what the vendor told; no statement. Called soon after an
        answer: what is left of a window can't be told from what was left of the one before."""
        moment = self._clock()
        sent, quota = self._meter.take()
        self._unsaved += sent
        allowance = self._allowance.at(moment).spent(sent)
        if quota is not None:
            self._told, self._window_is_told = (quota, moment), self._window_is_told or quota.window is not None
            allowance = allowance.told(quota, moment)
        self._renew(allowance)

    async def _exchange(self) -> None:
        """Add what is unsaved to the row, and take over what the row says then."""
        sent, told, moment = self._unsaved, self._told, self._clock()

        def exchange(connection: sa.Connection) -> tuple[Allowance, int, connections.Standing]:
            return *self._added(connection, sent, told, moment), connections.standing(connection, self._name)

        allowance, self.total, self.standing = await self._database.write(exchange)
        self._renew(allowance)
        self._unsaved, self._looked_at = self._unsaved - sent, moment
        if self._told is told:
            self._told = None

    def _renew(self, allowance: Allowance) -> None:
        if allowance.began_at != self._allowance.began_at:
            self._polls = 0
        self._allowance = allowance

    def _added(
        self, connection: sa.Connection, sent: int, told: tuple[Quota, datetime] | None, moment: datetime
    ) -> tuple[Allowance, int]:
        row = self._row(connection)
        window = self._budget.per if self._budget.requests and not self._window_is_told else row["window"]
        allowance = Allowance(row["began_at"], window, row["used"], row["limit"])
        if told is not None and told[1] >= allowance.began_at:
            allowance = allowance.at(told[1]).spent(sent).told(*told).at(moment)
        else:
            allowance = allowance.at(moment).spent(sent)
        values = {
            "began_at": allowance.began_at,
            "window": allowance.window,
            "used": allowance.used,
            "limit": allowance.limit,
            "total": row["total"] + sent,
        }
        if any(row[key] != value for key, value in values.items()):
            connection.execute(sa.update(BUDGET).where(BUDGET.c.connection == self._name).values(**values))
        return allowance, row["total"] + sent

    def _row(self, connection: sa.Connection) -> sa.RowMapping:
        """The connection's row, made if it is the first look, and ours until the transaction ends."""
        began_at, window = self._allowance.began_at, self._allowance.window
        new = BudgetRow(connection=self._name, began_at=began_at, window=window).model_dump()
        insert_or(connection, BUDGET, [new], ["connection"], {"connection"})
        query = sa.select(BUDGET).where(BUDGET.c.connection == self._name).with_for_update()
        return connection.execute(query).mappings().one()
