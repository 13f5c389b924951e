"""A stand-in for what runs steps. What it knows outlives the hub: `Runs` is the truth of what began."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import BaseModel

from firstline.executor import Executor, Handle, Progress, State, Step

READS = ("is-broken", "is-well")


class Nothing(BaseModel):
    """Settings of what has none."""


@dataclass
class Run:
    step: Step
    state: State
    looks: int  # that see it running still


@dataclass
class Runs:
    """`broken`: hosts that have the fault. `stubborn`: hosts that no step mends. `refusing`: hosts where steps fail.
    `lossy`: the ends of runs that begin now are never seen. `slow`: they take a while."""

    begun: list[Step] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    stubborn: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    lossy: bool = False
    slow: bool = False

    def start(self, step: Step) -> None:
        if step.id in self.runs:
            return
        if not step.read_only:
            self.begun.append(step)
        self.runs[step.id] = Run(step, self._run(step), 2 if self.slow and not step.read_only else 0)

    def look(self, step: str) -> Progress:
        run = self.runs[step]
        if run.looks:
            run.looks -= 1
            return Progress(state=State.RUNNING)
        if run.state is State.UNKNOWN:
            return Progress(state=run.state, detail="its end was not seen")
        return Progress(state=run.state, exit_status=0 if run.state is State.SUCCEEDED else 1)

    def _run(self, step: Step) -> State:
        what, host = step.run[0], step.run[1]
        if what in READS:
            return _ended((host in self.broken) == (what == "is-broken"))
        if self.lossy:
            return State.UNKNOWN
        if host in self.refusing:
            return State.FAILED
        if what == "mend" and host not in self.stubborn:
            self.broken.discard(host)
        return State.SUCCEEDED


def _ended(well: bool) -> State:
    return State.SUCCEEDED if well else State.FAILED


class Bench(Executor[Nothing]):
    """One hub's way to the runs. `point` is called before each effect."""

    name = "command"
    settings_model = Nothing

    def __init__(self, runs: Runs, point: Callable[[], Awaitable[None]], began: Callable[[Step], None]) -> None:
        super().__init__(Nothing())
        self._runs, self._point, self._began = runs, point, began

    async def start(self, step: Step) -> Handle:
        await self._point()
        if not step.read_only:
            self._began(step)
        self._runs.start(step)
        return Handle(executor=self.name, step=step.id, where="bench")

    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        return self._runs.look(handle.step).model_copy(update={"offset": offset})

    async def wait(self, handle: Handle, timeout: float) -> None:
        await self._point()

    async def cancel(self, handle: Handle) -> None:
        raise NotImplementedError(f"nobody cancels a run yet: {handle.step}")

    async def aclose(self) -> None:
        return
