"""The contract between the hub and what runs a step: a local process, a remote host, another engine.

An executor starts, watches and stops; it does not decide, wait, retry or store. The hub keeps the handle, so that a
run goes on when the hub dies and is found again when it comes back. Errors mean what they mean for connectors
(`firstline.connector`); `Unknown` from any method stops the remediation and asks a person.
"""

import asyncio
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError

from firstline.errors import Rejected
from firstline.finding import Finding

SettingsT = TypeVar("SettingsT", bound=BaseModel)
PIECE = 1_048_576  # bytes of output that one look gives at most, about


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


OUTPUT = "FIRSTLINE_OUTPUT"  # names the file that a program writes its outputs to


class Bounds(Value):
    """What one run may use of its machine; None: as much as there is. Seconds of processor time, bytes, a count."""

    cpu: float | None = Field(default=None, gt=0)
    memory: int | None = Field(default=None, gt=0)
    file_size: int | None = Field(default=None, gt=0)
    processes: int | None = Field(default=None, gt=0)


class Sandbox(Value):
    """What a run may reach of its machine: the network, and where it may write beside its own directory."""

    network: bool = False
    writes: tuple[str, ...] = ()


class Step(Value):
    """One thing to run on one target, or on many at once, complete: nothing in it is resolved later. Times are in
    seconds, sizes in bytes."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,119}$", description="Same id, same run: it begins once.")
    name: str = ""
    target: str = Field(default="local", description="Where it runs, in the executor's own terms.")
    targets: tuple[str, ...] = Field(default=(), description="All of them, where the executor takes many at once.")
    run: tuple[str, ...] = Field(
        default=(), description="Program and arguments; no shell reads them. `./NAME` is a file of `folder`."
    )
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="What else the executor is told: its `step_model` says what."
    )
    folder: str = Field(default="", description="The runbook's files, as they were when it was let go.")
    environment: dict[str, str] = Field(
        default_factory=dict, description="All that the process gets beside the executor's whitelist."
    )
    secrets: dict[str, SecretStr] = Field(
        default_factory=dict,
        exclude=True,
        repr=False,
        description="As `environment`, but kept nowhere: only what runs gets to see them.",
    )
    directory: str = Field(default="", description="The working directory; empty: one of the run's own.")
    timeout: float = Field(default=300.0, gt=0)
    output_limit: int = Field(
        default=1_048_576, gt=0, description="Beyond it the middle is dropped: head and tail stay."
    )
    bounds: Bounds = Bounds()
    sandbox: Sandbox | None = Field(default=None, description="None: as the executor's settings say.")
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
    """What is known of a run now. `offset` is where the next `watch` should go on; `more`: there is output beyond it
    already, so ask at once, also after the end. `dropped` bytes are missing from the middle, because of the step's
    limit. `detail` says in words why it failed or is unknown. `outputs` is what the run gave to be worked with, told
    with its end. `surroundings` says what held it: a sandbox, limits, an account."""

    state: State
    exit_status: int | None = None
    output: tuple[Chunk, ...] = ()
    offset: int = 0
    more: bool = False
    dropped: int = 0
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    detail: str = ""
    outputs: dict[str, JsonValue] = {}
    surroundings: str = ""


class NoParameters(Value):
    """Of an executor that is told nothing but `run`."""


class Executor(ABC, Generic[SettingsT]):
    """Runs steps of one kind. Made once at start; methods may be called concurrently."""

    name: ClassVar[str]
    settings_model: ClassVar[type[BaseModel]]
    step_model: ClassVar[type[BaseModel]] = NoParameters  # of a step's `with`
    runs: ClassVar[bool] = False  # it takes `run`, a program and its arguments
    many: ClassVar[bool] = False  # it takes many targets at once (`each: batch`)
    supports_dry_run: ClassVar[bool] = False  # without it, `start` asks `refuse_dry_run` first of all

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    async def check(self) -> list[Finding]:
        """What is well and what is not on this machine and at the other end, and the mend; changes nothing. Called by
        `firstline doctor` and at start. Raises nothing: what goes wrong is a finding."""
        return []

    @abstractmethod
    async def start(self, step: Step) -> Handle:
        """Begin the step and return at once. Called once, and again after a crash with the same step: the run that
        began is found and its handle returned, running or ended; it never begins a second time. Raises `Rejected` when
        it can't begin (no such program, target refused), `Unavailable` when it can't be reached now (`perhaps`: it may
        have begun): asked again with the same step it begins, or is found to have begun. `Unknown` when it can't be
        told whether it began."""

    @abstractmethod
    async def watch(self, handle: Handle, offset: int = 0) -> Progress:
        """Say how far it is, with the output from `offset` on, about `PIECE` bytes of it at most. Called repeatedly
        while it runs, with growing pauses, and by people who look. Returns state `unknown` when the run can no longer
        be found or its end was not seen. Raises `Unavailable` when it can't be asked now."""

    async def wait(self, handle: Handle, timeout: float) -> None:  # noqa: ARG002
        """Return when the run has ended, at the latest after `timeout` seconds. Called between two looks. An executor
        that hears of the end says so sooner than this does."""
        await asyncio.sleep(timeout)

    @abstractmethod
    async def cancel(self, handle: Handle) -> None:
        """Stop the work itself, wherever it runs, with all it started; returns when none of it is left. Already ended:
        nothing happens. Raises `Unavailable` when it can't be reached."""

    async def forget(self, handle: Handle) -> None:
        """Remove the raw output of a run that has ended: the hub keeps it, masked. The run's records stay, so that it
        never begins again."""

    @abstractmethod
    async def aclose(self) -> None:
        """Let go of local resources. Runs go on."""

    def refuse_dry_run(self, step: Step) -> None:
        """Raises `Rejected` for a dry run: this executor could only do the real thing."""
        if step.dry_run:
            raise Rejected(f"the executor {self.name} has no dry run")


def parameters(model: type[SettingsT], step: Step) -> SettingsT:
    """A step's parameters, typed. Raises `Rejected` that names each that does not fit."""
    try:
        return model.model_validate(step.parameters)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, each['loc'])) or 'with'}: {each['msg']}" for each in error.errors())
        raise Rejected(f"{step.name or 'the step'}: {'; '.join(faults)}") from None
