"""Looks whether the fault is there at all, before anything is done about it."""

from firstline.errors import Rejected
from firstline.remediation.run.check import hold
from firstline.remediation.run.finding import Findings, Outcome
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Check, ResolvedRunbook


class Before:
    """Of a runbook without a rollout all checks must hold. With one, each target is looked at by itself: where the
    fault is not, nothing is done; where nobody can look, the target has failed, and the others go on."""

    def __init__(self, procedure: Procedure, runbook: ResolvedRunbook, findings: Findings) -> None:
        self._procedure = procedure
        self._runbook = runbook
        self._findings = findings
        self._apart = runbook.rollout is not None and len(runbook.targets) > 1

    async def look(self) -> None:
        """Raises `Rejected` when a check can't be looked at."""
        for check in self._runbook.before:
            if check.target in self._findings.spared or check.target in self._findings.lost:
                continue
            seen = await self._hold(check)
            self._findings.outcomes.append(seen)
            if not seen.answered:
                self._unseen(check, seen)
            elif not seen.ok:
                why = f"{check.name}: {seen.detail}"
                self._findings.spared.update(
                    dict.fromkeys([check.target] if self._apart else self._runbook.targets, why)
                )
                if not self._apart:
                    return

    async def _hold(self, check: Check) -> Outcome:
        values = self._procedure.values(self._findings, check)
        return await hold(self._procedure, "before", check, values)

    def _unseen(self, check: Check, seen: Outcome) -> None:
        why = f"{check.name}: could not be looked at: {seen.detail}"
        if not self._apart:
            raise Rejected(why)
        self._findings.lost[check.target] = why
