"""The fix itself: steps, proof, and where it fails rollback and diagnosis."""

import time
from collections.abc import Awaitable, Callable

from firstline.remediation.plan import Plan
from firstline.remediation.run.check import hold
from firstline.remediation.run.finding import Findings
from firstline.remediation.run.procedure import Procedure

Keep = Callable[[Findings], Awaitable[None]]


async def fix(procedure: Procedure, plan: Plan, findings: Findings, keep: Keep) -> Findings:
    """Run it, or go on with it, from what was found before. `keep` makes findings durable; it is called before the
    rollback begins: after a crash in the rollback, a check that holds by then must not count as a cure."""
    if not findings.failed:
        await _steps(procedure, plan, findings)
        if not findings.failed:
            await _prove(procedure, plan, findings)
        if not findings.failed:
            return findings
        await keep(findings)
    await _undo(procedure, plan, findings)
    return findings


async def _steps(procedure: Procedure, plan: Plan, findings: Findings) -> None:
    began = time.monotonic()
    for number, command in enumerate(plan.runbook.steps):
        left = plan.runbook.limits.timeout - (time.monotonic() - began)
        bounded = command.model_copy(update={"timeout": max(0.001, min(command.timeout, left))})
        done = await procedure.run("step", number, bounded)
        findings.outcomes.append(done)
        if not done.ok:
            findings.failed = f"{command.name} on {command.target} failed: {done.detail}"
            return


async def _prove(procedure: Procedure, plan: Plan, findings: Findings) -> None:
    for check in plan.runbook.after:
        seen = await hold(procedure, "after", check)
        findings.outcomes.append(seen)
        if not seen.ok:
            findings.failed = f"not proved: {check.name}: {seen.detail}"
            return


async def _undo(procedure: Procedure, plan: Plan, findings: Findings) -> None:
    """Roll back and diagnose. A rollback that fails does not keep the rest from being tried: each is told."""
    for phase, commands in (("rollback", plan.runbook.rollback), ("diagnose", plan.runbook.diagnose)):
        for number, command in enumerate(commands):
            findings.outcomes.append(await procedure.run(phase, number, command))
