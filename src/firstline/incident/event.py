"""What a delivery says happened."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from firstline.incident.incident import Incident, Reference

EventType = Literal[
    "incident.opened",
    "incident.updated",
    "incident.acknowledged",
    "incident.resolved",
    "incident.reopened",
    "incident.closed",
    "incident.escalated",
    "incident.commented",
    "change.updated",
    "ping",
    "other",
]

OPENED: EventType = "incident.opened"


class Event(BaseModel):
    """One happening on one record. `incident` is None where the delivery carries too little to fill it
    (Data Center's `comment_created` has no issue) or is not about a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="The same for the same happening, however often and by whichever way it is delivered.")
    type: EventType
    vendor_type: str = Field(
        default="", description="The vendor's own name: incident.triggered, jira:issue_created ..."
    )
    reference: Reference | None
    occurred_at: AwareDatetime
    incident: Incident | None = None
    actor: str = Field(
        default="", description="Who did it, by the vendor's id or login; empty if the vendor names nobody."
    )
    own: bool = Field(default=False, description="True for the echo of our own write; it never starts anything.")
    marker: str = Field(
        default="",
        description="The key of a note of ours that the delivery shows (its last line, its property); the hub knows "
        "whether it wrote it.",
    )
    data: dict[str, Any] = Field(default_factory=dict, description="The delivery in the vendor's own shape.")
