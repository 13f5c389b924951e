"""PagerDuty's own kinds of trouble, made when asked for, besides the faults that all sandboxes make."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from firstline_pagerduty.sandbox.entity import now


class Trouble(BaseModel):
    """`PUT /sandbox/trouble` replaces it whole; the seed may begin with it."""

    model_config = ConfigDict(extra="forbid")

    late_seconds: float = Field(
        default=0, ge=0, description="How long after its time a new row is seen in lists and in the log."
    )
    ignored: frozenset[str] = Field(
        default=frozenset(),
        description="Fields of an incident whose change is answered well and not made: status, priority, assignments, "
        "escalation_level, escalation_policy, title, urgency, custom_fields.",
    )
    hidden_services: frozenset[str] = Field(
        default=frozenset(), description="Ids of services whose incidents the key may not see."
    )

    def shows(self, service: str, at: datetime) -> bool:
        return service not in self.hidden_services and now() >= at + timedelta(seconds=self.late_seconds)
