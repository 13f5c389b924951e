"""The whole of a `runbook.yaml`."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from firstline.declaration import Declaration, Duration, Size
from firstline.declaration.duration import PositiveDuration
from firstline.runbook.input import Input
from firstline.runbook.model.check import CheckDeclaration
from firstline.runbook.model.command import CommandDeclaration, Identifier, Name, ProgramDeclaration, UndoDeclaration


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


class RolloutDeclaration(Declaration):
    """How many targets it takes on at a time: first `canary` of them, then `batch` after `batch`, each proved before
    the next begins, with `pause` between; of a batch `parallel` at once. It goes on as long as no more than `failures`
    targets have failed."""

    canary: int = Field(default=0, ge=0, le=1000)
    batch: int = Field(default=1, ge=1, le=1000)
    parallel: int = Field(default=1, ge=1, le=200)
    failures: int = Field(default=0, ge=0, le=1000)
    pause: Duration = 0.0


class RunbookDeclaration(Declaration):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Name
    owner: Name
    authors: tuple[Name, ...] = Field(default=(), max_length=50)
    review: Annotated[date, Field(strict=False)] | None = None
    description: str = ""
    inputs: dict[Identifier, Input] = Field(default_factory=dict)
    targets: str | tuple[str, ...]
    group: str | tuple[str, ...] = ()
    healthy: tuple[CheckDeclaration, ...] = Field(default=(), max_length=10)
    change: ChangeDeclaration | None = None
    limits: LimitsDeclaration = LimitsDeclaration()
    note: NoteDeclaration = NoteDeclaration()
    rollout: RolloutDeclaration | None = None
    before: tuple[CheckDeclaration, ...] = Field(default=(), max_length=50)
    steps: tuple[CommandDeclaration, ...] = Field(min_length=1, max_length=50)
    after: tuple[CheckDeclaration, ...] = Field(default=(), max_length=50)
    rollback: tuple[UndoDeclaration, ...] = Field(default=(), max_length=50)
    diagnose: tuple[UndoDeclaration, ...] = Field(default=(), max_length=50)

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
        ids = [step.id for step in self.steps if step.id]
        if len(set(ids)) != len(ids):
            raise ValueError("two steps have the same `id`")
        return self

    @field_validator("change", mode="before")
    @classmethod
    def _none(cls, given: Any) -> Any:
        return None if given == "none" else given

    @property
    def programs(self) -> tuple[ProgramDeclaration, ...]:
        """All that an executor is given, in all sections."""
        undone = [step.undo for step in self.steps if step.undo]
        checks = (*self.healthy, *self.before, *self.after)
        every = (*checks, *self.steps, *undone, *self.rollback, *self.diagnose)
        return tuple(one for one in every if one.run or one.with_)

    @property
    def executors(self) -> frozenset[str]:
        """The names of those it needs."""
        return frozenset(one.executor for one in self.programs)
