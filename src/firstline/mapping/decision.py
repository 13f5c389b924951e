"""What was decided about one event, and why. JSON-able: it is kept with the event."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from firstline.declaration import Json
from firstline.mapping.model import ApprovalDeclaration, Ending, Outcome


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClauseVerdict(Value):
    """One operand of a condition's `&&`. `error` says in words why it could not be computed."""

    text: str
    verdict: Literal["true", "false", "error"]
    error: str = ""


class Trace(Value):
    """How one mapping fared: its clauses up to the first that failed. `shadowed`: it matches too, but an earlier one
    has the incident."""

    mapping: str
    place: str
    verdict: Literal["matched", "shadowed", "failed"]
    clauses: tuple[ClauseVerdict, ...] = ()


class Decision(Value):
    """`matched`: `runbook` of `pack` is due, in `mode`, with `inputs` that fit it. `nothing`: no mapping matched.
    `error`: `mapping` matched but can't be acted on; `reason` says why, and a person should look."""

    outcome: Literal["matched", "nothing", "error"]
    reason: str = ""
    event: str
    environment: str
    mapping: str = Field(default="", description="The full name, <pack>/<id>.")
    pack: str = ""
    runbook: str = ""
    digest: str = Field(default="", description="Of the mapping and its runbook, as they are.")
    mode: Literal["observe", "suggest", "approve", "auto"] = "observe"
    inputs: dict[str, Json] = Field(default_factory=dict)
    dedupe: str = ""
    resolve: bool = False
    escalate: bool = False
    approval: ApprovalDeclaration = ApprovalDeclaration()
    acknowledge: bool | None = None
    max_age: float = Field(default=900.0, description="Seconds: what is told later is observed only.")
    correlate: str = Field(default="", description="The same value, the same fault; empty: none.")
    then: dict[Outcome, Ending] = Field(default_factory=dict, description="What else is written, by outcome.")
    shadowed: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = Field(default=(), description="The mappings that were evaluated, in order.")
    omitted: int = Field(default=0, description="How many more failed, beyond those that `traces` keeps.")
    passed_over: int = Field(default=0, description="How many the index ruled out without evaluating them.")
