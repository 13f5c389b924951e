"""An account's records and what may be done with them (PagerDuty REST API, "Create an incident", "Update an incident").

Nothing here waits, so each change is whole before the next request is looked at. Each change has one time: the
incident, its log and the webhook agree on it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.entity import (
    Alert,
    CustomField,
    Incident,
    LogEntry,
    Note,
    Policy,
    Priority,
    Service,
    Status,
    Urgency,
    User,
    identifier,
    now,
)
from firstline_pagerduty.sandbox.seed import Seed, SeedIncident
from firstline_pagerduty.sandbox.trouble import Trouble


@dataclass(frozen=True)
class Happening:
    """What is told to webhook subscriptions. `note` only for incident.annotated, `message` for a status update."""

    type: str
    incident: Incident
    agent: User | None
    at: datetime
    note: Note | None = None
    message: str = ""


class Account:
    """`tell` is called with each happening, in order."""

    def __init__(self, tell: Callable[[Happening], None]) -> None:
        self._tell = tell
        self.trouble = Trouble()
        self.users: dict[str, User] = {}
        self.policies: dict[str, Policy] = {}
        self.services: dict[str, Service] = {}
        self.priorities: tuple[Priority, ...] = ()
        self.fields: tuple[CustomField, ...] = ()
        self.incidents: dict[str, Incident] = {}
        self.change_events: list[dict[str, Any]] = []
        self._open: dict[tuple[str, str], Incident] = {}

    def load(self, seed: Seed) -> None:
        """Begin anew with what is in the seed. Nobody is told of it."""
        self.trouble = seed.trouble
        self.users = {user.id: User(user.id, user.name, user.email, user.role) for user in seed.users}
        levels = tuple(tuple(self.users[one] for one in level) for level in seed.levels())
        names = sorted({service.escalation_policy for service in seed.services})
        policies = {name: Policy(f"PEP{number:04}", name, levels) for number, name in enumerate(names, 1)}
        self.policies = {policy.id: policy for policy in policies.values()}
        self.services = {
            one.id: Service(one.id, one.name, one.routing_key, policies[one.escalation_policy], one.team)
            for one in seed.services
        }
        self.priorities = tuple(Priority(f"PPRIO{number:02}", name) for number, name in enumerate(seed.priorities, 1))
        self.fields = tuple(CustomField(**one.model_dump()) for one in seed.custom_fields)
        for kept in (self.incidents, self.change_events, self._open):
            kept.clear()
        for incident in seed.incidents:
            self._plant(incident)

    @property
    def log(self) -> Iterator[tuple[Incident, LogEntry]]:
        """Every incident's, in no order."""
        return ((incident, entry) for incident in self.incidents.values() for entry in incident.log)

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
        at = now()
        incident = self._add(service, title, urgency, at, key=key, details=details, alert=alert)
        self._log_opening(incident, agent, at)
        self._say("incident.triggered", incident, agent, at)
        return incident

    def find_open(self, service: Service, key: str) -> Incident | None:
        return self._open.get((service.id, key))

    def repeat(self, incident: Incident) -> None:
        """Another trigger event with the key of an open incident: an entry in its log, nothing more."""
        self._log(incident, "trigger_log_entry", "Triggered again through the API", None, now())

    def set_status(self, incident: Incident, status: Status, agent: User | None, resolution: str = "") -> None:
        if incident.status == "resolved" and status != "resolved":
            self._reopen(incident, status, agent)
        elif status == "resolved":
            self._resolve(incident, agent, resolution)
        elif status == "acknowledged":
            self._acknowledge(incident, agent)
        elif incident.status == "acknowledged":
            self._turn(incident, "triggered", agent, "unacknowledge_log_entry", "Unacknowledged")

    def escalate(self, incident: Incident, level: int, agent: User | None) -> None:
        if incident.status == "resolved":
            raise error.already_resolved()
        if incident.urgency == "low":  # PagerDuty Knowledge Base, "Reassign Incidents"
            raise error.cannot_escalate("Low-urgency incidents can't be reassigned to an escalation level")
        if not 1 <= level <= len(incident.policy.levels):
            raise error.cannot_escalate(f"The escalation policy has no level {level}")
        at = now()
        self._assign_level(incident, level, at)
        self._change_status(incident, "triggered", agent, at)
        self._log(incident, "escalate_log_entry", f"Escalated to level {level}", agent, at)
        self._notify(incident, at)
        self._say("incident.escalated", incident, agent, at)

    def assign(self, incident: Incident, users: Sequence[User], agent: User | None) -> None:
        at = now()
        incident.assignments = [(at, user) for user in users]
        incident.assigned_via = "direct_assignment"
        self._change_status(incident, "triggered", agent, at)
        self._log(incident, "assign_log_entry", f"Assigned to {', '.join(user.name for user in users)}", agent, at)
        self._notify(incident, at)
        self._say("incident.reassigned", incident, agent, at)

    def delegate(self, incident: Incident, policy: Policy, agent: User | None) -> None:
        at = now()
        incident.policy = policy
        self._assign_level(incident, 1, at)
        self._change_status(incident, "triggered", agent, at)
        self._log(incident, "delegate_log_entry", f"Reassigned to {policy.name}", agent, at)
        self._say("incident.delegated", incident, agent, at)

    def annotate(self, incident: Incident, content: str, user: User) -> Note:
        at = now()
        note = Note(user, content, created_at=at, updated_at=at)
        incident.notes.append(note)
        self._log(incident, "annotate_log_entry", f"Note added by {user.name}", user, at, note=content)
        self._tell(Happening("incident.annotated", incident, user, at, note))
        return note

    def publish(self, incident: Incident, message: str, user: User) -> LogEntry:
        at = now()
        self._log(incident, "status_update_log_entry", "Status update added", user, at, message=message)
        self._tell(Happening("incident.status_update_published", incident, user, at, message=message))
        return incident.log[-1]

    def prioritise(self, incident: Incident, priority: Priority | None, agent: User | None) -> None:
        at = now()
        incident.priority, incident.updated_at = priority, at
        said = f"Changed the priority to {priority.name}" if priority else "Removed the priority"
        self._log(incident, "priority_change_log_entry", said, agent, at)
        self._say("incident.priority_updated", incident, agent, at)

    def fill(self, incident: Incident, values: dict[str, Any], agent: User | None) -> None:
        """Custom fields, by their ids."""
        at = now()
        incident.custom_fields |= values
        incident.updated_at = at
        self._log(incident, "custom_field_value_change_log_entry", "Custom fields changed", agent, at)
        self._tell(Happening("incident.custom_field_values.updated", incident, agent, at))

    def touch(self, incident: Incident) -> None:
        """A field was changed that has neither an entry in the log nor a webhook."""
        incident.updated_at = now()

    def _plant(self, seed: SeedIncident) -> None:
        at = seed.created_at or now()
        incident = self._add(
            self.services[seed.service], seed.title, seed.urgency, at, key=seed.incident_key, incident_id=seed.id
        )
        incident.references = seed.external_references
        self._log_opening(incident, None, at)
        if seed.status != "triggered":
            self._change_status(incident, seed.status, None, at)
            kind = {"acknowledged": "acknowledge_log_entry", "resolved": "resolve_log_entry"}[seed.status]
            self._log(incident, kind, seed.status.capitalize(), None, at)
        if seed.status == "resolved":
            incident.assignments, incident.resolved_at = [], at
            self._open.pop((incident.service.id, incident.key), None)

    def _add(
        self,
        service: Service,
        title: str,
        urgency: Urgency,
        at: datetime,
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
            created_at=at,
            updated_at=at,
            status_changed_at=at,
        )
        self._assign_level(incident, 1, at)
        self.incidents[incident.id] = self._open[(service.id, incident.key)] = incident
        return incident

    def _acknowledge(self, incident: Incident, agent: User | None) -> None:
        if incident.status == "acknowledged":
            raise error.already_acknowledged()
        self._turn(incident, "acknowledged", agent, "acknowledge_log_entry", "Acknowledged")

    def _turn(self, incident: Incident, status: Status, agent: User | None, kind: str, words: str) -> None:
        at = now()
        self._change_status(incident, status, agent, at)
        self._log(incident, kind, words, agent, at)
        self._say(f"incident.{words.lower()}", incident, agent, at)

    def _resolve(self, incident: Incident, agent: User | None, resolution: str) -> None:
        if incident.status == "resolved":
            raise error.already_resolved()
        at = now()
        self._change_status(incident, "resolved", agent, at)
        incident.assignments = []
        incident.resolved_at = at
        self._open.pop((incident.service.id, incident.key), None)
        self._log(incident, "resolve_log_entry", "Resolved", agent, at, note=resolution)
        self._say("incident.resolved", incident, agent, at)

    def _reopen(self, incident: Incident, status: Status, agent: User | None) -> None:
        """To triggered, assigned by the escalation policy; or to acknowledged, assigned to who asked."""
        at = now()
        self._change_status(incident, status, agent, at)
        incident.reopened_at, incident.resolved_at = at, None
        self._assign_level(incident, 1, at)
        if status == "acknowledged" and agent:
            incident.assignments = [(at, agent)]
        self._open[(incident.service.id, incident.key)] = incident
        self._log(incident, "assign_log_entry", "Reopened", agent, at)
        self._say("incident.reopened", incident, agent, at)

    def _assign_level(self, incident: Incident, level: int, at: datetime) -> None:
        incident.level = level
        incident.assigned_via = "escalation_policy"
        incident.assignments = [(at, user) for user in incident.policy.levels[level - 1]]

    def _change_status(self, incident: Incident, status: Status, agent: User | None, at: datetime) -> None:
        incident.status = status
        incident.updated_at = incident.status_changed_at = at
        incident.status_changed_by = agent
        incident.acknowledgements = [(at, agent)] if status == "acknowledged" and agent else []

    def _log_opening(self, incident: Incident, agent: User | None, at: datetime) -> None:
        """PagerDuty's log says also whom it gave the incident to, and whom it told."""
        self._log(incident, "trigger_log_entry", "Triggered through the API", agent, at)
        users = ", ".join(user.name for _, user in incident.assignments)
        self._log(incident, "assign_log_entry", f"Assigned to {users}", None, at)
        self._notify(incident, at)

    def _notify(self, incident: Incident, at: datetime) -> None:
        for _, user in incident.assignments:
            self._log(incident, "notify_log_entry", f"Notified {user.name} by push notification", None, at)

    def _log(
        self,
        incident: Incident,
        kind: str,
        summary: str,
        agent: User | None,
        at: datetime,
        note: str = "",
        message: str = "",
    ) -> None:
        by = f" by {agent.name}" if agent and agent.name not in summary else ""
        incident.log.append(LogEntry(kind, summary + by, agent, note, message, created_at=at))

    def _say(self, event_type: str, incident: Incident, agent: User | None, at: datetime) -> None:
        self._tell(Happening(event_type, incident, agent, at))
