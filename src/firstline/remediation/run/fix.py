"""The fix itself: steps, proof, and where it fails rollback and diagnosis."""

from collections.abc import Awaitable, Callable

from firstline.remediation.plan import Plan
from firstline.remediation.run.finding import Findings
from firstline.remediation.run.procedure import Procedure
from firstline.remediation.run.rollout import Rollout
from firstline.remediation.run.undo import undo

Keep = Callable[[Findings], Awaitable[None]]


async def fix(procedure: Procedure, plan: Plan, findings: Findings, keep: Keep) -> Findings:
    """Run it, or go on with it, from what was found before. `keep` makes findings durable; it is called before the
    rollback begins: after a crash in the rollback, a check that holds by then must not count as a cure."""
    if not findings.failed:
        await Rollout(procedure, plan, findings).run()
        if not findings.failed:
            return findings
        await keep(findings)
    await undo(procedure, plan, findings)
    return findings
