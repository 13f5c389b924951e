"""What `mapping.yaml` holds (docs/reference/files.md)."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from firstline.declaration import Declaration, Duration, Json
from firstline.declaration.duration import PositiveDuration
from firstline.incident import OPENED, EventType

Mode = Literal["observe", "suggest", "approve", "auto"]
NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
Name = Annotated[str, Field(pattern=NAME)]

DEFAULT = "default"


def is_name(text: str) -> bool:
    """Whether it can name a pack, a mapping or a runbook."""
    return re.fullmatch(NAME, text) is not None


def _observe() -> dict[str, Mode]:
    return {DEFAULT: "observe"}


Outcome = Literal["proved", "failed", "not_needed", "unknown", "stopped", "refused", "expired"]


class Ending(Declaration):
    """What else is written on the incident when its remediation ends so. `assign`: to whom it goes, instead of an
    escalation; what a proved fix resolves goes to nobody."""

    assign: str = ""
    priority: int | None = Field(default=None, ge=1, le=5)
    fields: dict[str, str] = Field(default_factory=dict)
    status: str = ""

    @property
    def updates(self) -> bool:
        return self.priority is not None or bool(self.fields or self.status)


class ApprovalDeclaration(Declaration):
    """Who may let a plan go in mode `approve`, and how many of them must: `by` names groups or people; empty: whoever
    has the right. `expires` None: as the hub's settings say."""

    by: tuple[str, ...] = Field(default=(), max_length=20)
    count: int = Field(default=1, ge=1, le=10)
    expires: PositiveDuration | None = None


class MappingDeclaration(Declaration):
    """`mode` has one for each environment, `default` for those not named. `resolve` None: the runbook decides.
    `acknowledge` None: the incident's connector decides. `max_age` in seconds."""

    id: Name
    description: str = ""
    on: tuple[EventType, ...] = Field(default=(OPENED,), min_length=1)
    when: str
    runbook: Name
    inputs: dict[str, Json] = Field(default_factory=dict)
    mode: dict[str, Mode] = Field(default_factory=_observe)
    approval: ApprovalDeclaration = ApprovalDeclaration()
    dedupe: str = ""
    resolve: bool | None = None
    escalate: bool = True
    acknowledge: bool | None = None
    max_age: Duration = 900.0
    correlate: str = ""
    then: dict[Outcome, Ending] = Field(default_factory=dict)

    @field_validator("when", mode="before")
    @classmethod
    def _condition(cls, given: Any) -> Any:
        """`when: true` is YAML's true and CEL's."""
        return str(given).lower() if isinstance(given, bool) else given

    @field_validator("mode", mode="before")
    @classmethod
    def _modes(cls, given: Any) -> Any:
        if isinstance(given, dict) and DEFAULT not in given:
            raise ValueError("a mode for each environment needs `default`, for those it does not name")
        return {DEFAULT: given} if isinstance(given, str) else given

    def mode_in(self, environment: str) -> Mode:
        return self.mode.get(environment, self.mode[DEFAULT])


class MappingFile(Declaration):
    mappings: tuple[MappingDeclaration, ...]
