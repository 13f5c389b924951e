"""Which faults are made, and how many."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class Chaos(BaseModel):
    """Shares are of all API requests, or of all webhooks: 0.1 is one in ten. A request or webhook meets one fault at
    most, so the shares of each of the two groups come to 1 at most. The same seed gives the n-th request, and the n-th
    webhook, the same fault in each run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    REQUEST: ClassVar[tuple[str, ...]] = ("rate_limit", "server_error", "reset_before", "reset_after", "slow")
    HOOK: ClassVar[tuple[str, ...]] = ("hook_lost", "hook_duplicate", "hook_delay", "hook_reorder")

    seed: int = 0
    rate_limit: Share = Field(default=0, description="Answered 429.")
    retry_after: int = Field(default=1, ge=0, le=3600, description="Seconds that the Retry-After of a 429 asks for.")
    server_error: Share = Field(default=0, description="Answered 500, 502 or 503; nothing was done.")
    reset_before: Share = Field(default=0, description="Nothing was done, and the connection breaks.")
    reset_after: Share = Field(default=0, description="It was done, and the connection breaks before the answer.")
    slow: Share = Field(default=0, description="Answered late.")
    slow_seconds: Seconds = 1.0
    hook_lost: Share = Field(default=0, description="Never sent, as if it had been.")
    hook_duplicate: Share = Field(default=0, description="Sent twice, under the same id.")
    hook_delay: Share = Field(default=0, description="Sent late; those behind it don't wait.")
    hook_delay_seconds: Seconds = 1.0
    hook_reorder: Share = Field(
        default=0,
        description="Sent after the next one about the same record; without a next, after `hook_delay_seconds`.",
    )
    exempt: tuple[str, ...] = Field(
        default=(), description="Paths that begin so meet no fault. The sandbox's own page and doors never do."
    )

    @model_validator(mode="after")
    def _at_most_one_each(self) -> "Chaos":
        for group in (self.REQUEST, self.HOOK):
            if (total := sum(getattr(self, name) for name in group)) > 1 + 1e-9:
                raise ValueError(f"{', '.join(group)} come to {total:g}: a share of all can't be more than 1")
        return self
