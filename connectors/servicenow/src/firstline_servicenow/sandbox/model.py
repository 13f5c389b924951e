"""Change models: which states follow which, where approvers are asked, and where their approval leads.

Base system: Change Management, "State model and transitions" (the legacy model). Administrators make others."""

from pydantic import BaseModel, ConfigDict, Field

NEW, ASSESS, AUTHORIZE, SCHEDULED, IMPLEMENT, REVIEW, CLOSED, CANCELED = "-5", "-4", "-3", "-2", "-1", "0", "3", "4"

_WORK = {SCHEDULED: [IMPLEMENT, CANCELED], IMPLEMENT: [REVIEW, CANCELED], REVIEW: [CLOSED]}


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ways: dict[str, list[str]] = Field(description="By state, those that follow it by somebody's hand.")
    asks: list[str] = Field(default=[ASSESS, AUTHORIZE], description="States in which approvers are asked.")
    approved: str = Field(default=SCHEDULED, description="Where an approval leads.")


# Out of Assess and Authorize a change goes by its approvals, and by nobody's hand.
BASE = {
    "standard": Model(ways=_WORK | {NEW: [SCHEDULED, CANCELED]}, asks=[]),
    "normal": Model(
        ways=_WORK | {NEW: [ASSESS, CANCELED], ASSESS: [NEW, CANCELED], AUTHORIZE: [CANCELED]},
    ),
    "emergency": Model(ways=_WORK | {NEW: [AUTHORIZE, CANCELED], AUTHORIZE: [NEW, CANCELED]}),
}
