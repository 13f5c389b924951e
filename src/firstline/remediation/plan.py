"""What is going to be done for one incident, complete before anybody is asked. Its digest is what an approval binds."""

import shlex

from pydantic import BaseModel, ConfigDict

from firstline.connector import ChangeDraft
from firstline.declaration import digest
from firstline.incident import Incident
from firstline.mapping.model import Ending, Mode, Outcome
from firstline.runbook import ResolvedRunbook

TITLE = 160  # ServiceNow's short description holds as much; the others hold more


class Asks(BaseModel):
    """Who may let a plan go, and how many of them must. `by`: groups or people; empty: whoever has the right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: tuple[str, ...] = ()
    count: int = 1
    expires: float | None = None  # seconds; None: as the hub's settings say


class Plan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: str
    pack: str = ""
    service: str = ""  # the incident's service, else its CI: what limits and switches are about
    dedupe: str = ""
    asks: Asks = Asks()
    declared: Mode = "auto"  # what the mapping declares; `mode` is what has been made of it
    editors: tuple[str, ...] = ()  # who changed the runbook last
    question: bool = False  # the hub itself asks people, before anything else
    change_type: str = "none"  # none, standard, normal, emergency: by policy
    change_reason: str = ""  # why it is not the type the runbook asks for
    settings: dict[str, str] = {}  # digest of the settings of each connection and executor it works with
    mode: Mode
    environment: str
    runbook: ResolvedRunbook
    change_register: str = ""  # the connection that keeps the change; empty: no change
    resolve: bool = True
    escalate: bool = True
    acknowledge: bool = False  # say on the incident that somebody is at it, while it runs
    then: dict[Outcome, Ending] = {}  # what else is written on the incident, by how it ends
    live_note: bool = False  # one note that is edited in place, where the vendor can

    @property
    def digest(self) -> str:
        return digest(self.model_dump(mode="json"))

    @property
    def named(self) -> str:
        """The runbook as people cite it."""
        return f"{self.runbook.id} {self.runbook.version}"


def draft(plan: Plan, incident: Incident, key: str, *, tried: bool) -> ChangeDraft:
    """The change request for a plan: what an approver must know stands in the fields an approver sees."""
    runbook, change = plan.runbook, plan.runbook.change
    if change is None:
        raise ValueError("a plan without a change has no draft")
    fault = f"{incident.reference.label} {incident.title}".strip()
    return ChangeDraft(
        key=key,
        type=change.type,
        template=change.template,
        short_description=f"{runbook.title}: {fault}"[:TITLE],
        description=f"{runbook.description}\n\n{plan.named}, owned by {runbook.owner}, digest {runbook.runbook_digest}",
        justification=f"Mends {fault} ({incident.reference.url or incident.reference.id}), matched by {plan.mapping}.",
        implementation_plan="\n".join(f"{n}. {line}" for n, line in enumerate(steps(plan), 1)),
        risk_and_impact=change.risk,
        backout_plan=change.backout
        or "\n".join(command.name for command in runbook.rollback)
        or "Nothing to back out.",
        test_plan="\n".join(check.name for check in runbook.after),
        ci=change.ci,
        incident=incident.reference,
        tried=tried,
    )


def steps(plan: Plan) -> list[str]:
    """Each step as it will run, for people: quoted as a shell would need it, so that the borders of arguments show."""
    return [f"{command.name} on {command.target}: {shlex.join(command.run)}" for command in plan.runbook.steps]
