"""The state model of the sandbox: as Jira's template makes it, or with a seed's own workflow of changes."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from firstline_jira.sandbox import workflow
from firstline_jira.sandbox.workflow import Category, Gate, IssueType, Status, Transition

CHANGE = "10102"  # the issue type of changes
_FIRST_STATUS, _FIRST_TRANSITION = 10_100, 101


class OwnTransition(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    sources: tuple[str, ...] = Field(alias="from")
    to: str
    screen: bool = False
    only: tuple[str, ...] = ()


class OwnGate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    approved: str
    declined: str
    approvers: tuple[str, ...] = ("change.manager@example.com",)
    needed: int = Field(default=1, ge=1)
    exclude: tuple[str, ...] = ("reporter",)


class OwnWorkflow(BaseModel):
    """A tenant's workflow of changes: the statuses with their categories, the first of them where a change begins."""

    model_config = ConfigDict(extra="forbid")

    statuses: dict[str, Category] = Field(min_length=1)
    transitions: tuple[OwnTransition, ...]
    gates: dict[str, OwnGate] = {}


@dataclass(frozen=True)
class Model:
    statuses: dict[str, Status]
    types: tuple[IssueType, ...]
    gates: dict[str, Gate]

    def type(self, id: str) -> IssueType | None:  # noqa: A002 - Jira's word
        return next((found for found in self.types if id in (found.id, found.name)), None)

    def statuses_of(self, kind: IssueType) -> list[Status]:
        names = kind.statuses()
        ends = [end for name in names if (gate := self.gates.get(name)) for end in (gate.approved, gate.declined)]
        return [self.statuses[name] for name in dict.fromkeys([*names, *ends])]


def model(own: Any = None) -> Model:
    """`own`: a seed's `workflow`; none: the template's."""
    if own is None:
        return Model(workflow.STATUSES, workflow.ISSUE_TYPES, workflow.GATES)
    wanted = OwnWorkflow.model_validate(own)
    statuses = {
        name: workflow.STATUSES.get(name, Status(str(_FIRST_STATUS + n), name, category))
        for n, (name, category) in enumerate(wanted.statuses.items())
    }
    transitions = tuple(
        Transition(str(n), one.name, one.sources, one.to, one.screen, one.only)
        for n, one in enumerate(wanted.transitions, _FIRST_TRANSITION)
    )
    types = tuple(
        replace(kind, transitions=transitions, start=next(iter(statuses))) if kind.id == CHANGE else kind
        for kind in workflow.ISSUE_TYPES
    )
    gates = {name: Gate(**gate.model_dump()) for name, gate in wanted.gates.items()}
    return Model(workflow.STATUSES | statuses, types, gates)
