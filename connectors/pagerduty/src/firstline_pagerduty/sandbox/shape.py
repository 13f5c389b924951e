"""PagerDuty's JSON: of the REST API (OpenAPI, schemas Incident, IncidentNote, Alert, LogEntry) and of webhooks of
version 3 ("Webhooks Overview", Webhook Payload)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from firstline_pagerduty.sandbox.account import Happening
from firstline_pagerduty.sandbox.entity import (
    Alert,
    Incident,
    LogEntry,
    Note,
    Policy,
    Priority,
    Service,
    User,
    identifier,
    now,
)

Json = dict[str, Any]


class Shape:
    """Makes links with the sandbox's own address."""

    def __init__(self, public_url: str) -> None:
        self._root = public_url.rstrip("/") or "https://sandbox.example"

    # REST API

    def incident(self, incident: Incident, included: Collection[str] = ()) -> Json:
        first = incident.log[0] if incident.log else None
        return {
            "id": incident.id,
            "type": "incident",
            "summary": f"[#{incident.number}] {incident.title}",
            "self": f"{self._root}/incidents/{incident.id}",
            "html_url": f"{self._root}/#{incident.id}",
            "incident_number": incident.number,
            "title": incident.title,
            "created_at": _second(incident.created_at),
            "updated_at": _second(incident.updated_at),
            "status": incident.status,
            "incident_key": incident.key,
            "service": self.service_link(incident.service),
            "assignments": [{"at": _second(at), "assignee": self.user_link(user)} for at, user in incident.assignments],
            "assigned_via": incident.assigned_via,
            "last_status_change_at": _second(incident.status_changed_at),
            "resolved_at": _second(incident.resolved_at),
            "first_trigger_log_entry": first
            and self._link("log_entries", "trigger_log_entry", first.id, first.summary),
            "alert_counts": self._alert_counts(incident),
            "is_mergeable": True,
            "incident_type": {"name": "incident_default"},
            "escalation_policy": self.policy_link(incident.policy),
            "teams": self._teams(incident.service),
            "pending_actions": [],
            "acknowledgements": [
                {"at": _second(at), "acknowledger": self.user_link(user)} for at, user in incident.acknowledgements
            ],
            "alert_grouping": None,
            "last_status_change_by": self._agent(incident.status_changed_by),
            "priority": self._priority_link(incident.priority),
            "resolve_reason": None,
            "incidents_responders": [],
            "responder_requests": [],
            "urgency": incident.urgency,
        } | self._included(incident, included)

    def _included(self, incident: Incident, included: Collection[str]) -> Json:
        """What is given only when it is asked for."""
        every = {
            "body": {"type": "incident_body", "details": incident.details},
            "conference_bridge": None,
            "external_references": [{"type": "external_reference", **one} for one in incident.references],
        }
        return {name: value for name, value in every.items() if name in included}

    def note(self, note: Note) -> Json:
        return {
            "id": note.id,
            "user": self.user_link(note.user),
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": note.content,
            "created_at": _second(note.created_at),
            "updated_at": _second(note.updated_at),
        }

    def alert(self, incident: Incident, alert: Alert) -> Json:
        event = alert.event
        return {
            **self._link(f"incidents/{incident.id}/alerts", "alert", alert.id, event["summary"]),
            "type": "alert",
            "created_at": _second(alert.created_at),
            "status": "resolved" if incident.status == "resolved" else "triggered",
            "alert_key": alert.key,
            "service": self.service_link(incident.service),
            "body": {
                "type": "alert_body",
                "contexts": [],
                "details": event.get("custom_details"),
                "cef_details": event,
            },
            "incident": {"id": incident.id, "type": "incident_reference"},
            "suppressed": False,
            "severity": event["severity"],
            "integration": None,
        }

    def log_entry(self, incident: Incident, entry: LogEntry, included: Collection[str] = ()) -> Json:
        whole = {"incident": self.incident(incident)} if "incidents" in included else {}
        note = {"type": "note", "summary": entry.note} | ({"content": entry.note} if "channels" in included else {})
        return {
            **self._link("log_entries", entry.type, entry.id, entry.summary),
            "type": entry.type,
            "created_at": _second(entry.created_at),
            "agent": self._agent(entry.agent) or self.service_link(incident.service),
            "channel": note if entry.note else {"type": "api"},
            "service": self.service_link(incident.service),
            "incident": self.incident_link(incident),
            "teams": self._teams(incident.service),
            "contexts": [],
            **({"message": entry.message} if entry.message else {}),
            **whole,
        }

    def user(self, user: User) -> Json:
        link = self.user_link(user)
        return link | {"type": "user", "name": user.name, "email": user.email, "time_zone": "UTC", "role": user.role}

    def service(self, service: Service) -> Json:
        link = self.service_link(service) | {"type": "service"}
        return link | {
            "name": service.name,
            "status": "active",
            "escalation_policy": self.policy_link(service.policy),
            "teams": [],
            "integrations": [
                {
                    "id": f"{service.id}EV2",
                    "type": "events_api_v2_inbound_integration",
                    "summary": "Events API v2",
                    "integration_key": service.routing_key,
                }
            ],
        }

    def policy(self, policy: Policy) -> Json:
        rules = [
            {
                "id": f"{policy.id}L{number}",
                "escalation_delay_in_minutes": 30,
                "targets": [self.user_link(user) for user in level],
            }
            for number, level in enumerate(policy.levels, 1)
        ]
        link = self.policy_link(policy) | {"type": "escalation_policy"}
        return link | {"name": policy.name, "escalation_rules": rules, "num_loops": 0, "teams": []}

    def oncalls(self, policy: Policy) -> list[Json]:
        return [
            {
                "escalation_policy": self.policy_link(policy),
                "escalation_level": number,
                "schedule": None,
                "user": self.user_link(user),
                "start": None,
                "end": None,
            }
            for number, level in enumerate(policy.levels, 1)
            for user in level
        ]

    def priority(self, priority: Priority) -> Json:
        link = self._link("priorities", "priority", priority.id, priority.name)
        return link | {"type": "priority", "name": priority.name}

    # webhooks

    def event(self, happening: Happening) -> Json:
        agent = self._agent(happening.agent)
        return self.envelope(happening.type, "incident", agent, self._told(happening), happening.at)

    def ping(self) -> Json:
        told = {"message": "Hello from your friend Pagey!", "type": "ping"}
        return self.envelope("pagey.ping", "pagey", None, told, now())

    def envelope(self, event_type: str, resource_type: str, agent: Json | None, told: Json, at: datetime) -> Json:
        event = {
            "id": identifier("0", 26),
            "event_type": event_type,
            "resource_type": resource_type,
            "occurred_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "agent": agent,
            "client": None,
            "data": told,
        }
        return {"event": event}

    def _told(self, happening: Happening) -> Json:
        incident = happening.incident
        if happening.note:
            return self._told_note(incident, happening.note)
        if happening.type == "incident.status_update_published":
            link = self.incident_link(incident)
            told = {"incident": link, "id": identifier("P", 7), "message": happening.message, "trimmed": False}
            return told | {"type": "incident_status_update"}
        if happening.type == "incident.custom_field_values.updated":
            return {"incident": self.incident_link(incident), "type": "incident_field_values", "custom_fields": []}
        return self._told_incident(incident)

    def _told_incident(self, incident: Incident) -> Json:
        return {
            "id": incident.id,
            "type": "incident",
            "self": f"{self._root}/incidents/{incident.id}",
            "html_url": f"{self._root}/#{incident.id}",
            "number": incident.number,
            "status": incident.status,
            "incident_key": incident.key,
            "created_at": _second(incident.created_at),
            "reopened_at": _second(incident.reopened_at),
            "title": incident.title,
            "service": self.service_link(incident.service),
            "assignees": [self.user_link(user) for _, user in incident.assignments],
            "escalation_policy": self.policy_link(incident.policy),
            "teams": self._teams(incident.service),
            "priority": self._priority_link(incident.priority),
            "urgency": incident.urgency,
            "conference_bridge": None,
            "resolve_reason": None,
            "incident_type": {"name": "incident_default"},
        }

    def _told_note(self, incident: Incident, note: Note) -> Json:
        return {
            "incident": self.incident_link(incident),
            "id": note.id,
            "content": note.content,
            "trimmed": False,
            "type": "incident_note",
        }

    # references

    def user_link(self, user: User) -> Json:
        return self._link("users", "user", user.id, user.name)

    def service_link(self, service: Service) -> Json:
        return self._link("services", "service", service.id, service.name)

    def policy_link(self, policy: Policy) -> Json:
        return self._link("escalation_policies", "escalation_policy", policy.id, policy.name)

    def incident_link(self, incident: Incident) -> Json:
        return self._link("incidents", "incident", incident.id, incident.title, f"{self._root}/#{incident.id}")

    def _teams(self, service: Service) -> list[Json]:
        return [self._link("teams", "team", service.team, f"Team {service.team}")] if service.team else []

    def _agent(self, agent: User | None) -> Json | None:
        return self.user_link(agent) if agent else None

    def _priority_link(self, priority: Priority | None) -> Json | None:
        return self._link("priorities", "priority", priority.id, priority.name) if priority else None

    def _link(self, path: str, kind: str, identity: str, summary: str, html_url: str = "") -> Json:
        address = f"{self._root}/{path}/{identity}"
        return {
            "id": identity,
            "type": f"{kind}_reference",
            "self": address,
            "html_url": html_url or address,
            "summary": summary,
        }

    def _alert_counts(self, incident: Incident) -> Json:
        resolved = int(incident.status == "resolved" and incident.alert is not None)
        every = int(incident.alert is not None)
        return {"all": every, "triggered": every - resolved, "resolved": resolved}


def _second(at: datetime | None) -> str | None:
    """PagerDuty's times in records are in whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
