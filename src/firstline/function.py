"""For those who write runbooks in Python: what a function of a step is, and what it is told of its run.

A function is `async`, has an entry point in the group `firstline.functions`, and says with types what it takes:

    @function(resumable=True)
    async def drain(queue: str, limit: int = 100, *, run: Run, dry_run: bool = False) -> Drained: ...

Its arguments are checked before it begins. A parameter annotated `Run` gets the run; one called `dry_run` says that it
has a dry run. What it returns, a pydantic model, a mapping or None, is what the step gives to be worked with; what it
prints and logs is the step's output; an exception is the step's failure. When it is stopped its task is cancelled.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr

GROUP = "firstline.functions"
_RESUMABLE = "__firstline_resumable__"

FunctionT = TypeVar("FunctionT", bound=Callable[..., Coroutine[Any, Any, Any]])


class Run(BaseModel):
    """The run that a function is called for. `id` is the same when the run is begun again after it was lost, so it is
    the key for what must happen once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str = ""
    target: str = ""
    folder: str = ""
    read_only: bool = False
    resumed: bool = False
    secrets: dict[str, SecretStr] = {}


def function(*, resumable: bool = False) -> Callable[[FunctionT], FunctionT]:
    """Say of a function how it stands to a crash. `resumable`: it may be called again with the same `Run.id` after the
    process of an earlier call was lost at any point, and what was done then is not done again. Without that a run that
    was lost is unknown, and a person decides."""

    def mark(function: FunctionT) -> FunctionT:
        setattr(function, _RESUMABLE, resumable)
        return function

    return mark


def is_resumable(function: Callable[..., Any]) -> bool:
    return bool(getattr(function, _RESUMABLE, False))
