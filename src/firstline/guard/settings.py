"""`[guards]` of firstline.toml: how careful the hub is. Times in seconds. What is not set does not hold anything."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from firstline.declaration.duration import Duration, PositiveDuration


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Often(Part):
    """So many within so long."""

    count: int = Field(ge=1, le=100_000)
    within: PositiveDuration


class Rate(Part):
    """So many for each stretch of time."""

    count: int = Field(ge=1, le=100_000)
    per: PositiveDuration


class Rates(Part):
    """Of the whole hub, and of each runbook, target and service."""

    hub: Rate | None = None
    runbook: Rate | None = None
    target: Rate | None = None
    service: Rate | None = None


class Blast(Part):
    """What one remediation may touch: so many targets, and so large a share of their group. A runbook's own limits hold
    as well: the lower counts."""

    targets: int | None = Field(default=None, ge=1)
    share: float | None = Field(default=None, gt=0, le=1)


class Breaker(Part):
    """After so many failures in a row, none longer than `within` after the one before, a runbook rests in that
    environment."""

    failures: int = Field(default=3, ge=1, le=1000)
    within: PositiveDuration = 3600.0
    rest: PositiveDuration = 1800.0


class Guards(Part):
    calendars: Path = Field(default=Path("calendars"), description="The folder with freezes and maintenance windows.")
    lock: PositiveDuration = Field(
        default=600.0, description="How much longer than the plan can take a target stays locked if the hub dies."
    )
    cooldown: Duration = Field(default=0.0, description="Between two remediations on a target; 0: none.")
    flap: Often | None = None
    rate: Rates = Rates()
    blast: Blast = Blast()
    breaker: Breaker = Breaker()
    storm: Often | None = None
