"""Takes a plan's targets on, go by go: the steps on each, as many at a time as the plan says, then the proof. A target
that fails does not keep the others from theirs, as long as no more fail than the plan allows."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby

from firstline.declaration import Json
from firstline.errors import Rejected, Unknown
from firstline.remediation.plan import Plan
from firstline.remediation.run.check import hold
from firstline.remediation.run.finding import Findings, Outcome, never
from firstline.remediation.run.procedure import Procedure
from firstline.runbook import Check, Command
from firstline.runbook.late import goes

Numbered = tuple[int, Command]
SHORTEST = 0.001  # seconds that a step has at least: none is no time-out to a step
NAMED = 5  # of the targets that failed, in the sentence that says so


class Rollout:
    def __init__(self, procedure: Procedure, plan: Plan, findings: Findings) -> None:
        self._procedure = procedure
        self._runbook = plan.runbook
        self._findings = findings
        self._goes = plan.runbook.goes
        self._deadline = time.monotonic() + plan.runbook.limits.timeout
        self._many = len(plan.runbook.targets) > 1
        self._unknown: list[str] = []
        self._broken = False

    async def run(self) -> None:
        """All goes, or as far as it gets: then `failed` says why, and `undo` what is to be taken back. Raises
        `Unknown` when the end of something can't be told: then nothing is taken back, a person decides."""
        for number, targets in enumerate(self._goes.batches):
            if number and self._goes.pause:
                await asyncio.sleep(self._goes.pause)
            await self._go(number, targets)
            if self._over:
                break
        if self._unknown:
            raise Unknown("; ".join(self._unknown))
        lost = self._findings.lost
        if lost:
            self._findings.failed = self._why()
            self._findings.undo = self._undone(number) if self._over else list(lost)

    @property
    def _over(self) -> bool:
        """Whether no further step may begin."""
        return self._broken or len(self._findings.lost) > self._goes.failures

    async def _go(self, number: int, targets: Sequence[str]) -> None:
        mine = [(at, step) for at, step in enumerate(self._runbook.steps) if step.batch == number]
        for whole, segment in groupby(mine, key=lambda each: bool(each[1].targets)):
            if whole:
                for at, command in segment:
                    await self._for_all(at, command)
            else:
                steps = list(segment)
                await self._each(targets, lambda target, steps=steps: self._steps(target, steps))  # type: ignore[misc]
            if self._over:
                return
        await self._each(targets, lambda target: self._prove(target, number))

    async def _each(self, targets: Sequence[str], act: Callable[[str], Awaitable[None]]) -> None:
        """Act on each target that is still in it, so many at a time, in their order."""
        slots = asyncio.Semaphore(self._goes.parallel)

        async def one(target: str) -> None:
            async with slots:
                if self._is_in(target):
                    await self._guarded(target, act)

        ended = await asyncio.gather(*(one(target) for target in targets), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error

    async def _guarded(self, target: str, act: Callable[[str], Awaitable[None]]) -> None:
        """What breaks it off does so for all: no further step begins. Of several targets, one whose end can't be told
        does not keep the others from theirs."""
        try:
            await act(target)
        except Unknown as error:
            if not self._many:
                raise
            self._unknown.append(str(error))
            self._lose(target, str(error))
        except BaseException:
            self._broken = True
            raise

    async def _steps(self, target: str, steps: Iterable[Numbered]) -> None:
        for number, command in steps:
            if command.target == target and self._is_in(target):
                done = await self._step(number, command)
                if not done.ok:
                    self._lose(target, f"{command.name} on {command.target} failed: {done.detail}")

    async def _for_all(self, number: int, command: Command) -> None:
        targets = tuple(target for target in command.targets if self._is_in(target))
        if not targets:
            return
        try:
            done = await self._step(number, command.model_copy(update={"targets": targets}))
        except Unknown as error:
            self._unknown.append(str(error))
            done = Outcome(phase="step", name=command.name, target=command.target, ok=False, detail=str(error))
        for target in targets if not done.ok else ():
            self._lose(target, f"{command.name} on {command.target} failed: {done.detail}")

    async def _step(self, number: int, command: Command) -> Outcome:
        values = self._values(command)
        done = self._not_begun(number, command, values)
        if done is None:
            bounded = command.model_copy(update={"timeout": max(SHORTEST, min(command.timeout, self._left))})
            done = await self._procedure.run("step", number, bounded, values)
        self._findings.outcomes.append(done)
        return done

    def _not_begun(self, number: int, command: Command, values: Mapping[str, Json]) -> Outcome | None:
        """Why it does not begin, where it does not."""
        of = (number, command.name, command.target)
        try:
            if not goes(command, self._runbook.types, values):
                return never("left out", *of, f"left out: {command.when} does not hold", ok=True)
        except Rejected as error:
            return never("step", *of, f"{command.when}: {error}")
        if self._left <= 0:
            return never("step", *of, f"not begun: the {self._runbook.limits.timeout:g} s for its steps are over")
        return None

    async def _prove(self, target: str, number: int) -> None:
        for check in self._runbook.after:
            if check.target == target and check.batch == number and self._is_in(target):
                await self._proof(target, check)

    async def _proof(self, target: str, check: Check) -> None:
        seen = await hold(self._procedure, "after", check, self._values(check))
        self._findings.outcomes.append(seen)
        if not seen.ok:
            self._lose(target, f"not proved: {check.name}: {seen.detail}")

    def _is_in(self, target: str) -> bool:
        return not (self._over or target in self._findings.lost or target in self._findings.spared)

    def _lose(self, target: str, why: str) -> None:
        self._findings.lost.setdefault(target, why)

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _values(self, command: Command | Check) -> Mapping[str, Json]:
        return self._procedure.values(self._findings, command)

    def _why(self) -> str:
        lost, number = self._findings.lost, len(self._runbook.targets)
        reasons = list(dict.fromkeys(lost.values()))
        if len(reasons) == 1 and (self._over or number == 1):
            return reasons[0]
        more = f" and {len(reasons) - NAMED} more" if len(reasons) > NAMED else ""
        rest = "" if self._over else ", the others are proved"
        return f"{len(lost)} of {number} targets failed{rest}: {'; '.join(reasons[:NAMED])}{more}"

    def _undone(self, last: int) -> list[str]:
        """What was begun in the go that failed, and whoever failed before: a go that was proved stays."""
        begun = {each.target for each in self._findings.of("step") if each.begun}
        begun |= {target for step in self._runbook.steps if step.target in begun for target in step.targets}
        touched = [target for target in self._goes.batches[last] if target in begun]
        return list(dict.fromkeys([*self._findings.lost, *touched]))
