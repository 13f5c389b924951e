"""Takes a plan's targets on, go by go: the steps on each, as many at a time as the plan says, then the proof. A target
that fails does not keep the others from theirs, as long as no more fail than the plan allows."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby

from firstline.declaration import Json
from firstline.errors import Rejected, Unknown
from firstline.executor import State
from firstline.remediation.plan import Plan
from firstline.remediation.run.check import hold
from firstline.remediation.run.finding import EndUnknown, Findings, Outcome, never
from firstline.remediation.run.procedure import Procedure
from firstline.remediation.run.together import together
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
        self._begun: frozenset[tuple[int, int]] = frozenset()  # before this turn
        self._steps: dict[int, list[Numbered]] = defaultdict(list)  # by batch
        for number, step in enumerate(plan.runbook.steps):
            self._steps[step.batch].append((number, step))
        self._checks: dict[str, list[Check]] = defaultdict(list)  # by target
        for check in plan.runbook.after:
            self._checks[check.target].append(check)

    async def run(self) -> None:
        """All goes, or as far as it gets: then `failed` says why, and `undo` what is to be taken back. Raises
        `Unknown` when the end of something can't be told: then nothing is taken back, a person decides."""
        self._begun = await self._procedure.begun()
        begun = {self._runbook.steps[number].batch for number, _ in self._begun}
        last = 0
        for number, targets in enumerate(self._goes.batches):
            if self._over and number not in begun:
                break
            if number and self._goes.pause and number not in begun:
                await asyncio.sleep(self._goes.pause)
            await self._go(number, targets)
            last = number
        if self._unknown:
            raise Unknown("; ".join(self._unknown))
        lost = self._findings.lost
        if lost:
            self._findings.failed = self._why()
            undone = self._touched(last) | lost.keys() if self._over else lost.keys()
            self._findings.undo = [target for target in self._runbook.targets if target in undone]

    @property
    def _over(self) -> bool:
        """Whether no further step may begin. One that an earlier turn has begun is followed to its end all the same:
        what runs may not be forgotten, nor rolled back while it runs."""
        return self._broken or len(self._findings.lost) > self._goes.failures

    async def _go(self, number: int, targets: Sequence[str]) -> None:
        for whole, segment in groupby(self._steps[number], key=lambda each: bool(each[1].targets)):
            if whole:
                for at, command in segment:
                    await self._for_all(at, command)
            else:
                await self._one_by_one(targets, list(segment))
        await self._each(targets, self._prove)

    async def _one_by_one(self, targets: Sequence[str], steps: Iterable[Numbered]) -> None:
        mine: dict[str, list[Numbered]] = defaultdict(list)
        for number, step in steps:
            mine[step.target].append((number, step))
        await self._each(targets, lambda target: self._in_turn(target, mine[target]))

    async def _each(self, targets: Sequence[str], act: Callable[[str], Awaitable[None]]) -> None:
        """Act on each target, so many at a time, in their order."""
        await together(lambda target: self._guarded(target, act), targets, self._goes.parallel)

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

    async def _in_turn(self, target: str, steps: Iterable[Numbered]) -> None:
        for number, command in steps:
            if self._goes_on(number, target):
                done = await self._step(number, command)
                if not done.ok:
                    self._lose(target, f"{command.name} on {command.target} failed: {done.detail}")

    async def _for_all(self, number: int, command: Command) -> None:
        targets = tuple(target for target in command.targets if self._goes_on(number, target))
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
            done = await self._tried(number, command, values)
        self._findings.outcomes.append(done)
        return done

    async def _tried(self, number: int, command: Command, values: Mapping[str, Json]) -> Outcome:
        """As often as it may be, while there is time. What somebody ended at its other end is not begun anew."""
        attempt = 0
        while True:
            bounded = command.model_copy(update={"timeout": max(SHORTEST, min(command.timeout, self._left))})
            try:
                done = await self._procedure.run("step", number, bounded, values, attempt)
            except EndUnknown as error:
                self._findings.outcomes.append(error.outcome)
                raise
            attempt += 1
            final = done.ok or not done.begun or done.state is State.CANCELLED or attempt > command.retries
            if final or not await self._may_retry(number, attempt, command.pause):
                return done

    async def _may_retry(self, number: int, attempt: int, pause: float) -> bool:
        """When its pause is over."""
        if (number, attempt) in self._begun:
            return True
        await asyncio.sleep(max(0.0, min(pause, self._left)))
        return self._left > 0 and not self._over

    def _not_begun(self, number: int, command: Command, values: Mapping[str, Json]) -> Outcome | None:
        """Why it does not begin, where it does not."""
        of = (number, command.name, command.target)
        try:
            if not goes(command, self._runbook.types, values):
                return never("left out", *of, f"left out: {command.when} does not hold", ok=True)
        except Rejected as error:
            return never("step", *of, f"{command.when}: {error}")
        if self._left <= 0 and (number, 0) not in self._begun:
            return never("step", *of, f"not begun: the {self._runbook.limits.timeout:g} s for its steps are over")
        return None

    async def _prove(self, target: str) -> None:
        for check in self._checks[target]:
            if self._is_in(target):
                await self._proof(target, check)

    async def _proof(self, target: str, check: Check) -> None:
        seen = await hold(self._procedure, "after", check, self._values(check))
        self._findings.outcomes.append(seen)
        if not seen.ok:
            self._lose(target, f"not proved: {check.name}: {seen.detail}")

    def _goes_on(self, number: int, target: str) -> bool:
        return self._is_in(target) or (number, 0) in self._begun

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

    def _touched(self, last: int) -> set[str]:
        """On whom anything was begun in the go that failed: a go that was proved stays."""
        begun = {each.target for each in self._findings.of("step") if each.begun}
        begun |= {target for step in self._runbook.steps if step.target in begun for target in step.targets}
        return begun.intersection(self._goes.batches[last])
