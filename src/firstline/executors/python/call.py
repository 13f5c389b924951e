"""What is called: as a runbook says it, and as the host is told."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from firstline.function import Run


class Call(BaseModel):
    """A step's `with`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    function: str = Field(min_length=1, description="The function's name, as its package's entry point says it.")
    arguments: dict[str, JsonValue] = Field(default={}, description="Its arguments, by name.")


class Order(BaseModel):
    """What the host is told, in a file of the run's working directory. No secret is in it: `secrets` are the names of
    the variables that hold them. `value` is the entry point's; `path` is where packages are looked for; `before` counts
    bytes of output, and of those dropped, of the runs that were lost before this one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call: Call
    value: str
    run: Run
    secrets: tuple[str, ...]
    dry_run: bool
    resumable: bool
    path: tuple[str, ...]
    before: int = 0
    dropped: int = 0


def order_file(work: Path) -> Path:
    return work / ".firstline" / "order.json"


def failure_file(outputs: Path) -> Path:
    """Beside the file of outputs, which can be written in every sandbox. Holds an exception's words."""
    return outputs.with_name("failure")
