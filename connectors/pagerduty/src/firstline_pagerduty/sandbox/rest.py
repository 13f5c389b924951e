"""The REST API's incidents and what they refer to (PagerDuty REST API v2, OpenAPI)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from firstline_pagerduty.sandbox import error
from firstline_pagerduty.sandbox.account import Account
from firstline_pagerduty.sandbox.entity import Incident, Note, Priority, Urgency, User, now
from firstline_pagerduty.sandbox.http import Gate, body_of, chosen, page, span
from firstline_pagerduty.sandbox.requester import Requesters
from firstline_pagerduty.sandbox.shape import Shape

MOST_AT_ONCE = 250  # "Manage incidents"
STATUSES = ("triggered", "acknowledged", "resolved")
ABILITIES = ["teams", "urgencies", "service_support_hours", "read_only_users"]
# "Get an incident", `include[]`; `body` stands in the text of the field alone, `external_references` in PagerDuty's own
# tools.
INCLUDES = {
    *("acknowledgers", "agents", "assignees", "body", "conference_bridge", "custom_fields", "escalation_policies"),
    *("external_references", "first_trigger_log_entries", "priorities", "services", "teams", "users"),
}
MONTH, LONGEST = timedelta(days=30), timedelta(days=184)  # "List incidents", since: the default, the longest range
SORTS = {
    "incident_number": lambda one: one.number,
    "created_at": lambda one: one.created_at,
    "resolved_at": lambda one: one.resolved_at or one.created_at,
    "urgency": lambda one: one.urgency,
}
Json = dict[str, Any]


class Rest:
    def __init__(self, account: Account, shape: Shape, gate: Gate) -> None:
        self._account = account
        self._shape = shape
        self._gate = gate
        self._requesters = Requesters(account)

    def routes(self) -> list[Route]:
        one, notes = "/incidents/{id}", "/incidents/{id}/notes"
        table = [
            ("GET", one, self.show_incident),
            ("PUT", one, self.update_incident),
            ("GET", notes, self.list_notes),
            ("POST", notes, self.create_note),
            ("PUT", notes + "/{note}", self.update_note),
            ("DELETE", notes + "/{note}", self.delete_note),
            ("GET", one + "/alerts", self.list_alerts),
            ("GET", "/incidents", self.list_incidents),
            ("POST", "/incidents", self.create_incident),
            ("PUT", "/incidents", self.update_incidents),
            ("GET", "/oncalls", self.list_oncalls),
            ("GET", "/users", self.list_users),
            ("GET", "/users/me", self.show_me),
            ("GET", "/users/{id}", self.show_user),
            ("GET", "/services", self.list_services),
            ("GET", "/services/{id}", self.show_service),
            ("GET", "/escalation_policies", self.list_policies),
            ("GET", "/escalation_policies/{id}", self.show_policy),
            ("GET", "/priorities", self.list_priorities),
            ("GET", "/abilities", self.list_abilities),
            ("GET", "/change_events", self.list_change_events),
        ]
        return [Route(path, self._gate.guard(f"{verb} {path}", act), methods=[verb]) for verb, path, act in table]

    # incidents

    async def show_incident(self, request: Request) -> Json:
        included = chosen(request, "include[]", INCLUDES)
        incident = self._incident(request)
        if incident.service.id in self._account.trouble.hidden_services:
            raise error.not_found()
        return {"incident": self._shape.incident(incident, included)}

    async def list_incidents(self, request: Request) -> Json:
        asked = request.query_params
        wanted = {
            "status": asked.getlist("statuses[]"),
            "urgency": asked.getlist("urgencies[]"),
            "service": asked.getlist("service_ids[]"),
            "key": asked.getlist("incident_key"),
            "team": asked.getlist("team_ids[]"),
        }
        since, until = _opened(request)
        shows = self._account.trouble.shows
        rows = [
            one
            for one in self._account.incidents.values()
            if since <= one.created_at < until and _fits(one, wanted) and shows(one.service.id, one.created_at)
        ]
        included = chosen(request, "include[]", INCLUDES)
        return page("incidents", _sorted(rows, request), request, lambda one: self._shape.incident(one, included))

    async def create_incident(self, request: Request) -> tuple[int, Json]:
        agent = self._requesters.of(request)
        fields = await body_of(request, "incident")
        service = self._account.services.get((fields.get("service") or {}).get("id", ""))
        if fields.get("type") != "incident" or not fields.get("title") or service is None:
            raise error.invalid("Incident needs a type, a title and a service that exists")
        key = str(fields.get("incident_key") or "")
        if key and self._account.find_open(service, key):
            raise error.invalid("Open incident with matching dedup key already exists on this service")
        details = (fields.get("body") or {}).get("details")
        urgency: Urgency = "low" if fields.get("urgency") == "low" else "high"
        incident = self._account.trigger(
            service, str(fields["title"]), agent, urgency=urgency, key=key, details=details
        )
        return 201, {"incident": self._shape.incident(incident)}

    async def update_incident(self, request: Request) -> Json:
        agent = self._requesters.of(request)
        incident = self._incident(request)
        self._update(incident, await body_of(request, "incident"), agent)
        return {"incident": self._shape.incident(incident)}

    async def update_incidents(self, request: Request) -> Json:
        agent = self._requesters.of(request)
        changes = await body_of(request, "incidents", list)
        if len(changes) > MOST_AT_ONCE:
            raise error.Refusal(413, 2001, "Request Entity Too Large", f"At most {MOST_AT_ONCE} incidents at a time")
        found = [self._account.incidents.get(str(change.get("id"))) for change in changes]
        incidents = [incident for incident in found if incident]
        if len(incidents) < len(changes):
            raise error.not_found()
        for incident, fields in zip(incidents, changes, strict=True):
            self._update(incident, fields, agent)
        return {"incidents": [self._shape.incident(incident) for incident in incidents]}

    def _update(self, incident: Incident, fields: Json, agent: User) -> None:
        if fields.get("type") not in ("incident", "incident_reference"):
            raise error.invalid("Incident type must be incident or incident_reference")
        account = self._account
        fields = {name: value for name, value in fields.items() if name not in account.trouble.ignored}
        if "title" in fields:
            incident.title = str(fields["title"])
            account.touch(incident)
        if fields.get("urgency") in ("high", "low"):
            incident.urgency = fields["urgency"]
            account.touch(incident)
        if "priority" in fields:
            account.prioritise(incident, self._priority(fields["priority"]), agent)
        if "status" in fields:
            if fields["status"] not in STATUSES:
                raise error.invalid_status()
            account.set_status(incident, fields["status"], agent, str(fields.get("resolution") or ""))
        self._reassign(incident, fields, agent)

    def _reassign(self, incident: Incident, fields: Json, agent: User) -> None:
        if "escalation_level" in fields:
            if not isinstance(fields["escalation_level"], int):
                raise error.invalid("Escalation level must be a whole number")
            self._account.escalate(incident, fields["escalation_level"], agent)
        elif fields.get("assignments"):
            ids = [(one.get("assignee") or {}).get("id", "") for one in fields["assignments"]]
            if not set(ids) <= self._account.users.keys():
                raise error.Refusal(400, 1007, "Assigned To User Not Found")
            self._account.assign(incident, [self._account.users[one] for one in ids], agent)
        elif fields.get("escalation_policy"):
            policy = self._account.policies.get(fields["escalation_policy"].get("id", ""))
            if policy is None:
                raise error.Refusal(400, 1014, "Escalation Policy Not Found")
            self._account.delegate(incident, policy, agent)

    # notes, alerts, log

    async def list_notes(self, request: Request) -> Json:
        return {"notes": [self._shape.note(note) for note in reversed(self._incident(request).notes)]}

    async def create_note(self, request: Request) -> Json:
        agent = self._requesters.of(request)
        incident = self._incident(request)
        return {"note": self._shape.note(self._account.annotate(incident, await _content(request), agent))}

    async def update_note(self, request: Request) -> Json:
        self._requesters.of(request)
        note = self._note(request)
        note.content, note.updated_at = await _content(request), now()
        return {"note": self._shape.note(note)}

    async def delete_note(self, request: Request) -> tuple[int, Json]:
        self._requesters.of(request)
        self._incident(request).notes.remove(self._note(request))
        return 200, {}

    async def list_alerts(self, request: Request) -> Json:
        incident = self._incident(request)
        alerts = [incident.alert] if incident.alert else []
        return page("alerts", alerts, request, lambda alert: self._shape.alert(incident, alert))

    # what incidents refer to

    async def list_oncalls(self, request: Request) -> Json:
        asked = request.query_params.getlist("escalation_policy_ids[]")
        policies = [one for one in self._account.policies.values() if not asked or one.id in asked]
        rows = [oncall for policy in policies for oncall in self._shape.oncalls(policy)]
        return page("oncalls", rows, request, lambda row: row)

    async def list_users(self, request: Request) -> Json:
        part = request.query_params.get("query", "").lower()
        users = [
            user for user in self._account.users.values() if part in user.name.lower() or part in user.email.lower()
        ]
        return page("users", users, request, self._shape.user)

    async def show_me(self, _: Request) -> Json:
        raise error.invalid("Users/me needs a user's own key; the sandbox has account keys only")

    async def show_user(self, request: Request) -> Json:
        return {"user": self._shape.user(_found(self._account.users, request))}

    async def list_services(self, request: Request) -> Json:
        return page("services", list(self._account.services.values()), request, self._shape.service)

    async def show_service(self, request: Request) -> Json:
        return {"service": self._shape.service(_found(self._account.services, request))}

    async def list_policies(self, request: Request) -> Json:
        part = request.query_params.get("query", "").lower()
        policies = [one for one in self._account.policies.values() if part in one.name.lower()]
        return page("escalation_policies", policies, request, self._shape.policy)

    async def show_policy(self, request: Request) -> Json:
        return {"escalation_policy": self._shape.policy(_found(self._account.policies, request))}

    async def list_priorities(self, request: Request) -> Json:
        return page("priorities", self._account.priorities, request, self._shape.priority)

    async def list_abilities(self, _: Request) -> Json:
        return {"abilities": ABILITIES}

    async def list_change_events(self, request: Request) -> Json:
        since, until = span(request)
        rows = [one for one in self._account.change_events if since <= datetime.fromisoformat(one["timestamp"]) < until]
        return page("change_events", rows, request, lambda row: row)

    def _priority(self, asked: Any) -> Priority | None:
        """A priority by reference or by name; null takes it away."""
        if asked is None:
            return None
        name, identity = (asked, "") if isinstance(asked, str) else ("", asked.get("id"))
        found = next((one for one in self._account.priorities if one.name == name or one.id == identity), None)
        if found is None:
            raise error.Refusal(400, 1020, "Invalid Priority")
        return found

    def _incident(self, request: Request) -> Incident:
        incident: Incident = _found(self._account.incidents, request)
        return incident

    def _note(self, request: Request) -> Note:
        wanted = request.path_params["note"]
        note = next((note for note in self._incident(request).notes if note.id == wanted), None)
        if note is None:
            raise error.not_found()
        return note


def _fits(incident: Incident, wanted: dict[str, list[str]]) -> bool:
    has = {"status": incident.status, "urgency": incident.urgency, "service": incident.service.id, "key": incident.key}
    has["team"] = incident.service.team
    return all(not values or has[name] in values for name, values in wanted.items())


def _found(rows: dict[str, Any], request: Request) -> Any:
    row = rows.get(request.path_params["id"])
    if row is None:
        raise error.not_found()
    return row


def _opened(request: Request) -> tuple[datetime, datetime]:
    if request.query_params.get("date_range") == "all":
        return datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    since, until = span(request, MONTH)
    if min(until, now()) - since > LONGEST:
        raise error.invalid("Date range must not be longer than 6 months")
    return since, until


def _sorted(rows: list[Incident], request: Request) -> list[Incident]:
    asked = request.query_params.get("sort_by", "")
    parts = [part.partition(":") for part in asked.split(",") if part]
    if len(parts) > 2 or not all(name in SORTS and way in ("", "asc", "desc") for name, _, way in parts):
        raise error.invalid(f"Sort by at most two of {', '.join(SORTS)}, each with asc or desc")
    for name, _, way in reversed(parts):
        rows = sorted(rows, key=SORTS[name], reverse=way == "desc")
    return rows


async def _content(request: Request) -> str:
    content = (await body_of(request, "note")).get("content")
    if not isinstance(content, str) or not content.strip():
        raise error.invalid("Content can't be blank")
    return content
