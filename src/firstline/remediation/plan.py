"""What is going to be done for one incident, complete before anybody is asked. Its digest is what an approval binds."""

from pydantic import BaseModel, ConfigDict

from firstline.change import text
from firstline.connector import ChangeDraft
from firstline.declaration import digest
from firstline.incident import Incident
from firstline.mapping.model import Ending, Mode, Outcome
from firstline.runbook import ResolvedRunbook


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


def draft(
    plan: Plan,
    incident: Incident,
    key: str,
    *,
    tried: bool,
    approved_by: str = "",
    guards: tuple[str, ...] = (),
    url: str = "",
) -> ChangeDraft:
    """The change request for a plan: what an approver must know stands in the fields an approver sees. `approved_by`:
    who let it go, where somebody did before it was filed; `guards`: what was looked at and held nothing; `url` of the
    remediation."""
    case = text.Case(
        runbook=plan.runbook,
        incident=incident,
        plan_digest=plan.digest,
        mapping=plan.mapping,
        mode=plan.mode,
        environment=plan.environment,
        reason=plan.change_reason,
        approvers=f"let go by {approved_by}" if approved_by else _asked(plan),
        guards=guards,
        url=url,
    )
    return text.draft(case, key, tried=tried)


def steps(plan: Plan) -> list[str]:
    """Each step as it will run, for people."""
    return [text.step(command) for command in plan.runbook.steps]


def _asked(plan: Plan) -> str:
    if plan.mode != "approve":
        return ""
    return f"needs the word of {plan.asks.count} of {', '.join(plan.asks.by) or 'those who may approve'}"
