"""Change requests: what they are made of, where they stand, what is in their way."""

from typing import Literal

from pydantic import AwareDatetime, Field

from firstline.connector.value import Value
from firstline.incident import Reference

ChangeType = Literal["standard", "normal", "emergency"]
ChangeState = Literal["new", "assess", "authorize", "scheduled", "implement", "review", "closed", "canceled"]


class ChangeDraft(Value):
    """A change request to be. What an approver must know stands in the fields an approver can see."""

    key: str = Field(max_length=100, description="Found again by it (correlation_id, entity property).")
    type: ChangeType
    template: str = Field(default="", description="The standard change template's id or name; needed for `standard`.")
    short_description: str
    description: str = ""
    justification: str = ""
    implementation_plan: str = ""
    risk_and_impact: str = ""
    backout_plan: str = ""
    test_plan: str = ""
    ci: str = Field(default="", description="The configuration item's name or id, as the mapping or runbook gives it.")
    group: str = ""
    risk: Literal["", "low", "moderate", "high"] = ""
    late: bool = Field(default=False, description="Filed after the work, and marked so where an approver sees it.")
    planned_start: AwareDatetime | None = None
    planned_end: AwareDatetime | None = None
    incident: Reference | None = Field(
        default=None, description="The fault it mends; linked where both live in one system."
    )
    tried: bool = Field(default=True, description="As `Note.tried`: look for the key before creating.")


class Approval(Value):
    """Where the vendor's own approval of a change stands. `by` are names for people: of who decided, else of whom it
    waits for."""

    state: Literal["not_required", "waiting", "approved", "refused"]
    by: tuple[str, ...] = ()
    accounts: tuple[str, ...] = Field(
        default=(),
        description="Of who decided, all that the vendor names each by: user name, email, id. Four eyes are counted by "
        "these.",
    )
    comment: str = ""


class Standing(Value):
    """Where a change stands at the vendor, read in one go."""

    state: ChangeState | None = Field(description="None: a status that nobody explained; nothing may run in it.")
    approval: Approval
    planned_start: AwareDatetime | None = Field(default=None, description="As it is now: its manager may move it.")
    planned_end: AwareDatetime | None = None


class Evidence(Value):
    """What goes on the change with a move: for `closed`, how it ended and the proof."""

    notes: str = ""
    result: Literal["successful", "successful_issues", "unsuccessful"] | None = None
    work_start: AwareDatetime | None = None
    work_end: AwareDatetime | None = None


class Conflict(Value):
    """Another change, or a blackout or maintenance window, that touches the same item at the same time."""

    kind: str
    what: str
    url: str = ""


class Blackout(Value):
    """A time for which the register says when changes may be made. `blackout`: not within it; `maintenance`: only
    within it, for what it names."""

    kind: Literal["blackout", "maintenance"]
    name: str
    start: AwareDatetime
    end: AwareDatetime
    items: tuple[str, ...] = Field(
        default=(), description="Names and ids of the configuration items it is about; empty: all."
    )
    url: str = ""


class Proposal(Value):
    """A standard change to be: the template that would be approved once, for every run of this version of a runbook."""

    key: str = Field(max_length=100, description="Found again by it.")
    name: str
    short_description: str
    description: str
    justification: str
    implementation_plan: str
    backout_plan: str
    test_plan: str
    risk_and_impact: str = ""
    evidence: str = Field(description="Past runs: how many, how they ended, by whom approved, under which changes.")
    ci: str = ""
    group: str = ""
