"""How much of a connection's requests is left, and for whom. Pure.

What was asked is counted in fixed windows. What the vendor tells of its limit wins over our count; what the operator
set caps both, in proportion where the vendor's window is another one."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

from firstline.meter import Quota
from firstline.settings import Budget

HOUR = 3600.0  # seconds; the window while nobody has told another
LONGEST = timedelta(days=1, hours=1)  # until a window ends; who tells a later end tells none
POLLS = 0.02  # of the limit, kept for polls in each window: a storm of writes may delay them, never end them


class Priority(IntEnum):
    """Who asks. The higher stops earlier, so that the lower still finds room."""

    INTERACTIVE = 0  # a person or a running remediation waits for the answer
    WRITE = 1
    POLL = 2
    BULK = 3  # reconciliation, back-fill


SHARE = {Priority.INTERACTIVE: 1.0, Priority.WRITE: 0.9, Priority.POLL: 0.6, Priority.BULK: 0.4}


@dataclass(frozen=True)
class Allowance:
    """`window` in seconds. `limit` None: no limit is known."""

    began_at: datetime
    window: float = HOUR
    used: int = 0
    limit: int | None = None

    @property
    def ends_at(self) -> datetime:
        return self.began_at + timedelta(seconds=self.window)

    def at(self, moment: datetime) -> "Allowance":
        """The same, or the window that has begun since."""
        passed = (moment - self.began_at).total_seconds() // self.window
        if passed < 1:
            return self
        return replace(self, began_at=self.began_at + timedelta(seconds=passed * self.window), used=0)

    def spent(self, requests: int) -> "Allowance":
        return replace(self, used=self.used + requests)

    def told(self, quota: Quota, moment: datetime) -> "Allowance":
        """What the vendor says of its limit, its window and what is left of it, in place of what we believed. What is
        left of a window that is over tells nothing."""
        window = quota.window or self.window
        began_at, used, limit = self.began_at, self.used, self.limit
        over = quota.resets_at is not None and quota.resets_at <= moment
        if quota.resets_at is not None and moment < quota.resets_at <= moment + LONGEST:
            began_at = quota.resets_at - timedelta(seconds=window)
        if quota.limit is not None:
            limit = quota.limit
        if quota.remaining is not None and not over:
            limit = used + quota.remaining if limit is None else limit
            used = max(0, limit - quota.remaining)
        return Allowance(began_at, window, used, limit)

    def under(self, budget: Budget) -> "Allowance":
        """With the operator's limit, in this window."""
        if budget.requests is None:
            return self
        own = max(1, int(budget.requests * self.window / budget.per))
        return replace(self, limit=own if self.limit is None else min(own, self.limit))

    def wait(self, priority: Priority, moment: datetime, polls: int = 0) -> float:
        """Seconds until it may be asked; 0: now. `polls`: how many were let in during this window."""
        if self.limit is None or self._has_room(priority, self.limit, polls):
            return 0.0
        return max(0.1, (self.ends_at - moment).total_seconds())

    def _has_room(self, priority: Priority, limit: int, polls: int) -> bool:
        kept = max(1, int(limit * POLLS)) if limit > 1 else 0
        if priority is Priority.POLL and polls < kept:
            return self.used < limit
        ceiling = max(1, min(int(limit * SHARE[priority]), limit - max(0, kept - polls)))
        return self.used < ceiling
