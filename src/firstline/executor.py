"""The contract between the hub and what runs a step: a local process, a remote host, another engine.

An executor starts, watches and stops; it does not decide, wait, retry or store. The hub keeps the handle, so that a
run goes on when the hub dies and is found again when it comes back. Errors mean what they mean for connectors
(`firstline.connector`); `Unknown` from any method stops the remediation and asks a person.
"""

import asyncio
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from firstline.errors import Rejected

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(Value):
    """One thing to run on one target, complete: nothing in it is resolved later. Times are in seconds, sizes in
    bytes."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,119}$", description="Same id, same run: it begins once.")
    name: str = ""
    target: str = Field(default="local", description="Where it runs, in the executor's own terms.")
    run: tuple[str, ...] = Field(min_length=1, description="Program and arguments; no shell reads them.")
    environment: dict[str, str] = Field(
        default_factory=dict, description="All that the process gets beside the executor's whitelist."
    )
    directory: str = Field(default="", description="The working directory; empty: one of the run's own.")
    timeout: float = Field(default=300.0, gt=0)
    output_limit: int = Field(
        default=1_048_576, gt=0, description="Beyond it the middle is dropped: head and tail stay."
    )
    read_only: bool = Field(default=False, description="Declared to change nothing on its target.")
    dry_run: bool = Field(
        default=False,
        description="Say what it would do, and change nothing (`ansible --check`). Where there is no such thing, the "
        "step is refused.",
    )


class State(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        return self is not State.RUNNING


class Handle(Value):
    """Finds a run again from another process, after a crash or elsewhere. Stored by the hub; holds no secret."""

    executor: str
    step: str
    where: str = Field(description="The executor's own address of the run: a directory, a job's id.")


class Chunk(Value):
    """A piece of output, in the order it was written. `offset` counts bytes of all output before it."""

    stream: Literal["stdout", "stderr"]
    text: str
    offset: int


class Progress(Value):
    """What is known of a run now. `offset` is where the next `watch` should go on. `dropped` bytes are missing from the
    middle, because of the step's limit. `detail` says in words why it failed or is unknown."""

    state: State
    exit_status: int | None = None
    output: tuple[Chunk, ...] = ()
    offset: int = 0
    dropped: int = 0
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    detail: str = ""


class Executor(ABC, Generic[SettingsT]):
    """Runs steps of one kind. Made once at start; methods may be called concurrently."""

    name: ClassVar[str]
    settings_model: ClassVar[type[BaseModel]]
    supports_dry_run: ClassVar[bool] = False  # without it, `start` asks `refuse_dry_run` first of all

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @abstractmethod
    async def start(self, step: Step) -> Handle:
        """Begin the step and return at once. Called once, and again after a crash with the same step: the run that
        began is found and its handle returned, running or ended; it never begins a second time. Raises `Rejected` when
        it can't begin (no such program, target refused), `Unknown` when it can't be told whether it began."""

    @abstractmethod
    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        """Say how far it is, with the output from `offset` on. Called repeatedly while it runs, with growing pauses,
        and by people who look. Returns state `unknown` when the run can no longer be found or its end was not seen."""

    async def wait(self, handle: Handle, timeout: float) -> None:  # noqa: ARG002
        """Return when the run has ended, at the latest after `timeout` seconds. Called between two looks. An executor
        that hears of the end says so sooner than this does."""
        await asyncio.sleep(timeout)

    @abstractmethod
    async def cancel(self, handle: Handle) -> None:
        """Stop the work itself, wherever it runs, with all it started; returns when none of it is left. Already ended:
        nothing happens. Raises `Unavailable` when it can't be reached."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of local resources. Runs go on."""

    def refuse_dry_run(self, step: Step) -> None:
        """Raises `Rejected` for a dry run: this executor could only do the real thing."""
        if step.dry_run:
            raise Rejected(f"the executor {self.name} has no dry run")
