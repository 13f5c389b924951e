"""What a runbook's commands declare."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from firstline.declaration import Declaration, Duration, Json, Size
from firstline.declaration.duration import PositiveDuration
from firstline.runbook.input import Input

Name = Annotated[str, Field(min_length=1, max_length=200)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Argument = Annotated[str, Field(max_length=16_384)]


class BoundsDeclaration(Declaration):
    """What it may use of its machine; left out: as much as there is."""

    cpu: PositiveDuration | None = None
    memory: Size | None = None
    file_size: Size | None = None
    processes: int | None = Field(default=None, ge=1)


class SandboxDeclaration(Declaration):
    """What it may reach: the network, and where it may write beside its own directory."""

    network: bool = False
    writes: tuple[Annotated[str, Field(pattern="^/")], ...] = Field(default=(), max_length=50)


class ProgramDeclaration(Declaration):
    """What an executor is given: `run`, a program and its arguments, or `with`, what else the executor is told.
    `secrets` name what the operator lets this pack use; the program finds them in its environment."""

    name: Name
    executor: Name = "command"
    run: tuple[Argument, ...] = Field(default=(), max_length=256)
    with_: dict[str, Json] = Field(default_factory=dict, alias="with")
    environment: dict[VariableName, str] = Field(default_factory=dict)
    secrets: dict[VariableName, SecretName] = Field(default_factory=dict)
    bounds: BoundsDeclaration = BoundsDeclaration()
    sandbox: SandboxDeclaration | None = None
    timeout: PositiveDuration = 300.0


class _DoesSomething(ProgramDeclaration):
    @model_validator(mode="after")
    def _told(self) -> "_DoesSomething":
        if not self.run and not self.with_:
            raise ValueError("say what is done: `run`, a program and its arguments, or `with`, for its executor")
        return self


class UndoDeclaration(_DoesSomething):
    """What takes a step back."""


class CommandDeclaration(_DoesSomething):
    """One step. `id` names it for the values it gives to later steps (`outputs`, as `steps.ID.NAME`). `each`: once a
    target, or once for all targets of a batch. `when`: CEL; where it is false the step is left out. `retries`: only for
    what may be done twice (`idempotent`), after a pause of `pause`."""

    id: Identifier | Literal[""] = ""
    each: Literal["target", "batch"] = "target"
    when: Annotated[str, Field(max_length=4096)] = ""
    outputs: dict[Identifier, Input] = Field(default_factory=dict)
    outputs_from: Literal["file", "stdout"] = "file"
    idempotent: bool = False
    retries: int = Field(default=0, ge=0, le=10)
    pause: Duration = 10.0
    undo: UndoDeclaration | None = None

    @model_validator(mode="after")
    def _whole(self) -> "CommandDeclaration":
        if self.outputs and not self.id:
            raise ValueError("`outputs` need an `id`: later steps name them `steps.ID.NAME`")
        if self.retries and not self.idempotent:
            raise ValueError("`retries` are for a step that is `idempotent: true`: done twice, it does no harm")
        return self
