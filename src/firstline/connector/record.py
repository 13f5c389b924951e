"""What is changed on records."""

from typing import Literal

from pydantic import Field

from firstline.connector.value import Value


class StateChange(Value):
    """Move a record. `reason` is shown to people where the vendor has a place for it (close notes, a comment)."""

    to: Literal["acknowledged", "resolved", "reopened", "escalated", "reassigned"]
    reason: str = ""
    assignee: str = Field(
        default="", description="For `reassigned`: the group, escalation policy or user, by name, email or id."
    )


class Update(Value):
    """Fields of a record to set: what is None or empty stays as it is. Read back like a state."""

    priority: int | None = Field(default=None, ge=1, le=5, description="1 is the most severe.")
    fields: dict[str, str] = Field(default_factory=dict, description="Custom fields, by the vendor's name of them.")
    status: str = Field(default="", description="A status update for stakeholders, where the vendor has them.")
