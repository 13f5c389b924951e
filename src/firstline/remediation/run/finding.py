"""What a remediation has found out so far: small, stored after each part, so that a crash forgets nothing."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from firstline.declaration import Json
from firstline.errors import Unknown
from firstline.executor import State


class Outcome(BaseModel):
    """How one check or command ended. `answered` is False for a check that could not be looked at (its program is
    missing, it timed out): then not even "it does not hold" is known. `number`: the command's place in its section of
    the plan; `begun`: whether anything was begun at all; `state`: of its run, where there was one. `outputs`: what a
    step gave, by the name that later texts use."""

    model_config = ConfigDict(extra="forbid")

    phase: str
    name: str
    target: str = ""
    ok: bool
    answered: bool = True
    detail: str = ""
    output: str = ""
    number: int | None = None
    begun: bool = True
    state: State | None = None
    outputs: dict[str, Json] = {}


class EndUnknown(Unknown):
    """A command was begun, and how it ended can't be told. `outcome`: what is known of it."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(f"{outcome.name} on {outcome.target} was begun; how it ended can't be told: {why}")
        self.outcome = outcome


def never(phase: str, number: int, name: str, target: str, why: str, *, ok: bool = False) -> Outcome:
    """Of a command of which nothing was begun."""
    return Outcome(phase=phase, name=name, target=target, number=number, ok=ok, begun=False, detail=why)


class Findings(BaseModel):
    """`failed` is the sentence that says why the fix failed; set before the rollback begins, so that a rollback that
    was begun is gone on with and never taken for a cure. `lost`: each target that failed, and why; `spared`: those that
    did not need it; `undo`: those that are rolled back."""

    model_config = ConfigDict(extra="forbid")

    failed: str = ""
    outcomes: list[Outcome] = []  # in the order they were found; before-checks first
    lost: dict[str, str] = {}
    spared: dict[str, str] = {}
    undo: list[str] = []

    def needed(self, targets: Iterable[str]) -> bool:
        """Whether there is anything to do, or anything that failed."""
        return bool(self.lost) or any(target not in self.spared for target in targets)

    def of(self, *phases: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.phase in phases]
