"""Looks whether the fault is there at all, before anything is done about it."""

from collections import defaultdict
from collections.abc import Sequence

from firstline.errors import Rejected
from firstline.remediation.run.check import hold
from firstline.remediation.run.finding import Findings, Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.remediation.run.together import together
from firstline.runbook import Check, ResolvedRunbook


class Before:
    """Of a runbook without a rollout all checks must hold. With one, each target is looked at by itself: where the
    fault is not, nothing is done; where nobody can look, the target has failed, and the others go on. As many are
    looked at as may be worked on at once."""

    def __init__(self, procedure: Procedure, runbook: ResolvedRunbook, findings: Findings) -> None:
        self._procedure = procedure
        self._runbook = runbook
        self._findings = findings
        self._apart = runbook.rollout is not None and len(runbook.targets) > 1

    async def look(self) -> None:
        """Raises `Rejected` when a check can't be looked at."""
        if not self._apart:
            await self._checks(self._runbook.before)
            return
        mine = defaultdict(list)
        for check in self._runbook.before:
            mine[check.target].append(check)
        await together(self._checks, mine.values(), self._runbook.goes.parallel)

    async def _checks(self, checks: Sequence[Check]) -> None:
        """In their order, up to the first that tells."""
        for check in checks:
            seen = await self._hold(check)
            self._findings.outcomes.append(seen)
            why = f"{check.name}: {seen.detail}"
            if not seen.answered:
                self._unseen(check, why)
                return
            if not seen.ok:
                spared = [check.target] if self._apart else self._runbook.targets
                self._findings.spared.update(dict.fromkeys(spared, why))
                return

    async def _hold(self, check: Check) -> Outcome:
        values = self._procedure.values(self._findings, check)
        return await hold(self._procedure, "before", check, values)

    def _unseen(self, check: Check, why: str) -> None:
        if not self._apart:
            raise Rejected(why)
        self._findings.lost[check.target] = why
