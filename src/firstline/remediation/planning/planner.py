"""From a decision to its plan: the runbook resolved for the incident, under the rules of this hub. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firstline.assembly import executor_kinds
from firstline.change.policy import decide as decide_type
from firstline.connector import Connector
from firstline.errors import Rejected
from firstline.executor import Executor
from firstline.incident import Event, Incident
from firstline.mapping import Decision
from firstline.remediation.autonomy.mode import counting
from firstline.remediation.autonomy.policy import Policy
from firstline.remediation.plan import Asks, Plan
from firstline.remediation.planning.fit import fit
from firstline.runbook import Check, Command, ResolvedRunbook, Runbook, resolve
from firstline.secret.secrets import Grants
from firstline.settings import OWN_REGISTER, Settings


@dataclass(frozen=True)
class Surroundings:
    """What a plan depends on beside the users' files. `settings`: the digest of each connection's and executor's
    settings."""

    environment: str
    register: str = ""
    require_pin: bool = True
    emergency: str = "approval"  # `first`: an emergency change runs before it is approved
    earned: bool = False  # what changes something runs by itself only after a promotion
    connectors: Mapping[str, Connector[Any] | type[Connector[Any]]] = field(default_factory=dict)
    executors: Mapping[str, type[Executor[Any]]] | None = None  # None: which there are is not known
    secrets: Grants = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def surroundings(
    settings: Settings,
    connectors: Mapping[str, Connector[Any] | type[Connector[Any]]] | None = None,
    environment: str = "",
) -> Surroundings:
    """As firstline.toml says. Without connectors, what depends on a vendor is left out."""
    return Surroundings(
        environment=environment or settings.hub.environment,
        register=settings.changes.register_,
        require_pin=settings.changes.require_pin,
        emergency=settings.changes.emergency,
        earned=settings.modes.autonomy == "earned",
        connectors=connectors or {},
        executors=executor_kinds(settings),
        secrets=settings.secrets_.names,
        settings=settings.digests,
    )


def plan(decision: Decision, runbook: Runbook, event: Event, where: Surroundings, policy: Policy) -> Plan:
    """Raises `Rejected` for what can't be resolved: an unknown value, an empty set of targets."""
    incident = event.incident
    if incident is None:
        raise Rejected("an event without an incident has no plan")
    resolved = resolve(runbook, decision.inputs)
    if where.executors is not None:
        fit(decision.pack, resolved, where.executors, where.secrets)
    pin = policy.pins.get((f"{decision.pack}/{decision.runbook}", runbook.digest))
    change = decide_type(
        resolved.change,
        runbook=f"{decision.pack}/{decision.runbook}",
        digest=runbook.digest,
        pinned=pin,
        require_pin=where.require_pin,
    )
    changes = resolved.change is not None
    connector = where.connectors.get(incident.reference.connection)
    acknowledges = connector is not None and connector.acknowledges and changes
    register = where.register if changes else ""
    moved = policy.modes.get((decision.mapping, where.environment))
    mode = counting(decision.mode, moved, runbook, earned=where.earned, digest=decision.digest).mode
    return Plan(
        mapping=decision.mapping,
        pack=decision.pack,
        service=incident.service or incident.ci or "",
        dedupe=decision.dedupe,
        asks=Asks.model_validate(decision.approval.model_dump()),
        mode=mode,
        question=mode == "approve" and not _asked_there(change.type, decision, where),
        declared=decision.mode,
        environment=where.environment,
        runbook=_typed(resolved, change.type, change.template),
        editors=runbook.editors,
        change_type=change.type,
        change_reason=change.reason,
        change_register=register,
        settings=_settings(resolved, incident, register, where.settings),
        resolve=changes if decision.resolve is None else decision.resolve,
        escalate=decision.escalate,
        then=decision.then,
        acknowledge=acknowledges if decision.acknowledge is None else decision.acknowledge,
        live_note=connector is not None and connector.edits_notes,
    )


def _asked_there(change_type: str, decision: Decision, where: Surroundings) -> bool:
    """Whether the change's own approval is the question: a change manager need not leave their tool. Where the mapping
    names who has to approve, or how many, the hub asks them as well."""
    waits = change_type == "normal" or (change_type == "emergency" and where.emergency == "approval")
    named = bool(decision.approval.by) or decision.approval.count > 1
    return waits and (where.register == OWN_REGISTER or not named)


def _typed(resolved: ResolvedRunbook, kind: str, template: str) -> ResolvedRunbook:
    """The runbook with the change that policy gives it."""
    if resolved.change is None:
        return resolved
    change = resolved.change.model_copy(update={"type": kind, "template": template})
    return resolved.model_copy(update={"change": change})


def _settings(resolved: ResolvedRunbook, incident: Incident, register: str, known: Mapping[str, str]) -> dict[str, str]:
    """Of what the plan works with: drift in these voids what was approved."""
    commands: tuple[Command | Check, ...] = (*resolved.steps, *resolved.rollback, *resolved.diagnose)
    checks = (*resolved.before, *resolved.healthy, *resolved.after)
    used = {f"executor {one.executor}" for one in (*commands, *checks) if one.run or one.parameters}
    used |= {f"secret {name}" for one in (*commands, *checks) for name in one.secrets.values()}
    used |= {f"query {one.query.source}" for one in checks if one.query}
    names = {f"connection {name}" for name in (incident.reference.connection, register) if name} | used
    return {name: known[name] for name in sorted(names) if name in known}
