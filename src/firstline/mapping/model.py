"""What `mapping.yaml` holds (docs/reference/files.md)."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from firstline.declaration import Declaration, Duration, Json
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
    dedupe: str = ""
    resolve: bool | None = None
    escalate: bool = True
    acknowledge: bool | None = None
    max_age: Duration = 900.0
    correlate: str = ""

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
