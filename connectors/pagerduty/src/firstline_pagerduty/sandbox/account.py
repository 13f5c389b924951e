"""An account's records and what may be done with them (PagerDuty REST API, "Create an incident", "Update an incident").

Nothing here waits, so each change is whole before the next request is looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.entity import (
    Alert,
    Incident,
    LogEntry,
    Note,
    Policy,
    Service,
    Status,
    Urgency,
    User,
    identifier,
    now,
)
from firstline_pagerduty.sandbox.seed import Seed


@dataclass(frozen=True)
class Happening:
    """What is told to webhook subscriptions. `note` only for incident.annotated."""

    type: str
    incident: Incident
    agent: User | None
    note: Note | None = None


class Account:
    """`tell` is called with each happening, in order."""

    def __init__(self, tell: Callable[[Happening], None]) -> None:
        self._tell = tell
        self.users: dict[str, User] = {}
        self.policies: dict[str, Policy] = {}
        self.services: dict[str, Service] = {}
        self.incidents: dict[str, Incident] = {}
        self.change_events: list[dict[str, Any]] = []
        self._open: dict[tuple[str, str], Incident] = {}

    def load(self, seed: Seed) -> None:
        """Begin anew with what is in the seed. Nobody is told of it."""
        self.users = {user.id: User(user.id, user.name, user.email) for user in seed.users}
        levels = tuple(tuple(self.users[one] for one in level) for level in seed.levels())
        names = sorted({service.escalation_policy for service in seed.services})
        policies = {name: Policy(f"PEP{number:04}", name, levels) for number, name in enumerate(names, 1)}
        self.policies = {policy.id: policy for policy in policies.values()}
        self.services = {
            one.id: Service(one.id, one.name, one.routing_key, policies[one.escalation_policy]) for one in seed.services
        }
        for kept in (self.incidents, self.change_events, self._open):
            kept.clear()
        for one in seed.incidents:
            incident = self._add(self.services[one.service], one.title, one.urgency, incident_id=one.id)
            self._log(incident, "trigger_log_entry", "Triggered through the API", None)

    def trigger(
        self,
        service: Service,
        title: str,
        agent: User | None,
        *,
        urgency: Urgency = "high",
        key: str = "",
        details: Any = None,
        alert: Alert | None = None,
    ) -> Incident:
        incident = self._add(service, title, urgency, key=key, details=details, alert=alert)
        self._log(incident, "trigger_log_entry", "Triggered through the API", agent)
        self._say("incident.triggered", incident, agent)
        return incident

    def find_open(self, service: Service, key: str) -> Incident | None:
        return self._open.get((service.id, key))

    def repeat(self, incident: Incident) -> None:
        """Another trigger event with the key of an open incident: an entry in its log, nothing more."""
        self._log(incident, "trigger_log_entry", "Triggered again through the API", None)

    def set_status(self, incident: Incident, status: Status, agent: User | None, resolution: str = "") -> None:
        if incident.status == "resolved" and status != "resolved":
            self._reopen(incident, status, agent)
        elif status == "resolved":
            self._resolve(incident, agent, resolution)
        elif status == "acknowledged":
            self._acknowledge(incident, agent)
        elif incident.status == "acknowledged":
            self._unacknowledge(incident, agent)

    def escalate(self, incident: Incident, level: int, agent: User | None) -> None:
        if incident.status == "resolved":
            raise error.already_resolved()
        if incident.urgency == "low":  # PagerDuty Knowledge Base, "Reassign Incidents"
            raise error.cannot_escalate("Low-urgency incidents can't be reassigned to an escalation level")
        if not 1 <= level <= len(incident.policy.levels):
            raise error.cannot_escalate(f"The escalation policy has no level {level}")
        self._assign_level(incident, level)
        self._change_status(incident, "triggered", agent)
        self._log(incident, "escalate_log_entry", f"Escalated to level {level}", agent)
        self._say("incident.escalated", incident, agent)

    def assign(self, incident: Incident, users: Sequence[User], agent: User | None) -> None:
        incident.assignments = [(now(), user) for user in users]
        incident.assigned_via = "direct_assignment"
        self._change_status(incident, "triggered", agent)
        self._log(incident, "assign_log_entry", f"Assigned to {', '.join(user.name for user in users)}", agent)
        self._say("incident.reassigned", incident, agent)

    def delegate(self, incident: Incident, policy: Policy, agent: User | None) -> None:
        incident.policy = policy
        self._assign_level(incident, 1)
        self._change_status(incident, "triggered", agent)
        self._log(incident, "delegate_log_entry", f"Reassigned to {policy.name}", agent)
        self._say("incident.delegated", incident, agent)

    def annotate(self, incident: Incident, content: str, user: User) -> Note:
        note = Note(user, content)
        incident.notes.append(note)
        self._log(incident, "annotate_log_entry", f"Note added by {user.name}", user, content)
        self._tell(Happening("incident.annotated", incident, user, note))
        return note

    def touch(self, incident: Incident, agent: User | None, event_type: str = "") -> None:
        """Say that a field was changed; some fields have a webhook event of their own."""
        incident.updated_at = now()
        if event_type:
            self._say(event_type, incident, agent)

    def _add(
        self,
        service: Service,
        title: str,
        urgency: Urgency,
        *,
        key: str = "",
        details: Any = None,
        alert: Alert | None = None,
        incident_id: str = "",
    ) -> Incident:
        incident = Incident(
            id=incident_id or identifier(),
            number=len(self.incidents) + 1,
            title=title,
            service=service,
            policy=service.policy,
            urgency=urgency,
            key=key or identifier("", 32).lower(),
            details=details,
            alert=alert,
        )
        self._assign_level(incident, 1)
        self.incidents[incident.id] = self._open[(service.id, incident.key)] = incident
        return incident

    def _acknowledge(self, incident: Incident, agent: User | None) -> None:
        if incident.status == "acknowledged":
            raise error.already_acknowledged()
        self._change_status(incident, "acknowledged", agent)
        self._log(incident, "acknowledge_log_entry", "Acknowledged", agent)
        self._say("incident.acknowledged", incident, agent)

    def _unacknowledge(self, incident: Incident, agent: User | None) -> None:
        self._change_status(incident, "triggered", agent)
        self._log(incident, "unacknowledge_log_entry", "Unacknowledged", agent)
        self._say("incident.unacknowledged", incident, agent)

    def _resolve(self, incident: Incident, agent: User | None, resolution: str) -> None:
        if incident.status == "resolved":
            raise error.already_resolved()
        self._change_status(incident, "resolved", agent)
        incident.assignments = []
        incident.resolved_at = incident.updated_at
        self._open.pop((incident.service.id, incident.key), None)
        self._log(incident, "resolve_log_entry", "Resolved", agent, resolution)
        self._say("incident.resolved", incident, agent)

    def _reopen(self, incident: Incident, status: Status, agent: User | None) -> None:
        """To triggered, assigned by the escalation policy; or to acknowledged, assigned to who asked."""
        self._change_status(incident, status, agent)
        incident.reopened_at, incident.resolved_at = incident.updated_at, None
        self._assign_level(incident, 1)
        if status == "acknowledged" and agent:
            incident.assignments = [(now(), agent)]
        self._open[(incident.service.id, incident.key)] = incident
        self._log(incident, "assign_log_entry", "Reopened", agent)
        self._say("incident.reopened", incident, agent)

    def _assign_level(self, incident: Incident, level: int) -> None:
        incident.level = level
        incident.assigned_via = "escalation_policy"
        incident.assignments = [(now(), user) for user in incident.policy.levels[level - 1]]

    def _change_status(self, incident: Incident, status: Status, agent: User | None) -> None:
        at = now()
        incident.status = status
        incident.updated_at = incident.status_changed_at = at
        incident.status_changed_by = agent
        incident.acknowledgements = [(at, agent)] if status == "acknowledged" and agent else []

    def _log(self, incident: Incident, kind: str, summary: str, agent: User | None, note: str = "") -> None:
        by = f" by {agent.name}" if agent and agent.name not in summary else ""
        incident.log.append(LogEntry(kind, summary + by, agent, note))

    def _say(self, event_type: str, incident: Incident, agent: User | None) -> None:
        self._tell(Happening(event_type, incident, agent))
