"""What keeps a remediation from going on, told so that a person knows what to do about it."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

GuardName = Literal[
    "switch",  # a kill switch is thrown
    "freeze",  # a freeze or blackout window
    "maintenance",  # outside the maintenance window of what it touches
    "lock",  # another remediation has the target
    "cooldown",  # the target was touched a moment ago
    "flap",  # the same fault on the same CI, again and again
    "rate",  # too many of this runbook, target, service, or of all
    "blast",  # too many targets, or too large a share of the group
    "breaker",  # the runbook failed too often
    "storm",  # many at once: one goes first
    "group",  # the rest of the group is not healthy
    "conflict",  # another change on the same item
    "change",  # the change waits: for its approval, its window, its register
]


class Hold(BaseModel):
    """One reason. `until` None: until a person does something, or what holds it goes away by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guard: GuardName
    why: str
    until: AwareDatetime | None = None
    mend: str = Field(default="", description="What a person can do about it.")
    ends: bool = Field(default=False, description="Waiting is of no use: the remediation stops, and a person is asked.")


def moment(at: datetime) -> str:
    """A time for people."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def lasting(seconds: float) -> str:
    """A duration for people: 42 s, 15 min, 3 h, 2 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
