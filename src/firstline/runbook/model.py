"""What `runbook.yaml` holds (docs/reference/files.md). Times in seconds, sizes in bytes."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from firstline.declaration import Declaration, Duration, Size
from firstline.declaration.duration import PositiveDuration
from firstline.runbook.input import Input

Text = Annotated[str, Field(min_length=1, max_length=16_384)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
InputName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class CommandDeclaration(Declaration):
    name: Name
    executor: Name = "command"
    run: tuple[Annotated[str, Field(max_length=16_384)], ...] = Field(min_length=1, max_length=256)
    environment: dict[VariableName, str] = Field(default_factory=dict)
    timeout: PositiveDuration = 300.0


class HttpDeclaration(Declaration):
    url: Text
    status: int = Field(default=200, ge=100, le=599)
    contains: str = ""


class CheckDeclaration(Declaration):
    name: Name
    executor: Name = "command"
    run: tuple[Annotated[str, Field(max_length=16_384)], ...] = Field(default=(), max_length=256)
    environment: dict[VariableName, str] = Field(default_factory=dict)
    http: HttpDeclaration | None = None
    within: Duration = 0.0
    every: PositiveDuration = 1.0
    hold: Duration = 0.0
    timeout: PositiveDuration = 30.0

    @model_validator(mode="after")
    def _one_way(self) -> "CheckDeclaration":
        if bool(self.run) == (self.http is not None):
            raise ValueError("a check has either `run` or `http`")
        return self


class ChangeDeclaration(Declaration):
    type: Literal["standard", "normal", "emergency"]
    template: str = ""
    ci: str = ""
    risk: str = ""
    level: Literal["", "low", "moderate", "high"] = ""
    backout: str = ""
    window: PositiveDuration | None = None

    @model_validator(mode="after")
    def _template(self) -> "ChangeDeclaration":
        if self.type == "standard" and not self.template:
            raise ValueError("a standard change needs `template`: the name or id of its change template")
        return self


class NoteDeclaration(Declaration):
    """What the caller or customer is told. `text` is a plain sentence for them."""

    public: bool = False
    text: Annotated[str, Field(max_length=4000)] = ""

    @model_validator(mode="after")
    def _told(self) -> "NoteDeclaration":
        if self.text and not self.public:
            raise ValueError("`text` is for the customer: it needs `public: true`")
        return self


class LimitsDeclaration(Declaration):
    """`targets` and `share` bound what one run may touch: so many, and so much of its `group`."""

    timeout: PositiveDuration = 600.0
    output: Size = 262_144
    targets: int | None = Field(default=None, ge=1, le=1000)
    share: float | None = Field(default=None, gt=0, le=1)


class RunbookDeclaration(Declaration):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Name
    owner: Name
    authors: tuple[Name, ...] = Field(default=(), max_length=50)
    review: Annotated[date, Field(strict=False)] | None = None
    description: str = ""
    inputs: dict[InputName, Input] = Field(default_factory=dict)
    targets: str | tuple[str, ...]
    group: str | tuple[str, ...] = ()
    healthy: tuple[CheckDeclaration, ...] = Field(default=(), max_length=10)
    change: ChangeDeclaration | None = None
    limits: LimitsDeclaration = LimitsDeclaration()
    note: NoteDeclaration = NoteDeclaration()
    before: tuple[CheckDeclaration, ...] = Field(default=(), max_length=50)
    steps: tuple[CommandDeclaration, ...] = Field(min_length=1, max_length=50)
    after: tuple[CheckDeclaration, ...] = Field(default=(), max_length=50)
    rollback: tuple[CommandDeclaration, ...] = Field(default=(), max_length=50)
    diagnose: tuple[CommandDeclaration, ...] = Field(default=(), max_length=50)

    @field_validator("targets", mode="before")
    @classmethod
    def _targets(cls, given: Any) -> Any:
        texts = given if isinstance(given, list | tuple) else [given]
        if texts and all(isinstance(each, str) and each for each in texts):
            return given if isinstance(given, str) else tuple(texts)
        raise ValueError("`targets` is a list of at least one text, none empty, or one ${{ CEL }} that gives a list")

    @field_validator("group", mode="before")
    @classmethod
    def _group(cls, given: Any) -> Any:
        return given if isinstance(given, str) else tuple(given) if isinstance(given, list) else given

    @model_validator(mode="after")
    def _whole(self) -> "RunbookDeclaration":
        if self.healthy and not self.group:
            raise ValueError("`healthy` looks at the rest of `group`: name the group")
        if self.limits.share is not None and not self.group:
            raise ValueError("`limits.share` is a share of `group`: name the group")
        return self

    @field_validator("change", mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        return None if given == "none" else given
