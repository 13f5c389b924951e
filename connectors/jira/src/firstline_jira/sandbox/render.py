"""Records as JSON, in the shape of REST v3, or of REST v2 for webhooks and for Data Center."""

from collections.abc import Callable
from typing import Any

from firstline_jira.sandbox import markup, workflow
from firstline_jira.sandbox.model import Model
from firstline_jira.sandbox.record import (
    DESK,
    PROJECT,
    PROJECT_ID,
    Approval,
    Comment,
    File,
    History,
    Issue,
    Person,
    stamp,
)
from firstline_jira.sandbox.trouble import Troubles
from firstline_jira.sandbox.workflow import CATEGORIES, PRIORITIES, IssueType, RequestType, Status, Transition

Tree = dict[str, Any]


class Render:
    """`base` is the sandbox's own address; `api` 2 or 3."""

    def __init__(self, base: str, troubles: Troubles, model: Model, *, api: int, cloud: bool) -> None:
        self.base = base
        self.cloud = cloud
        self._api = api
        self._troubles = troubles
        self._model = model

    def url(self, path: str) -> str:
        return f"{self.base}/rest/api/{self._api}/{path}"

    def person(self, person: Person) -> Tree:
        common = {
            "emailAddress": person.email,
            "displayName": person.name,
            "active": True,
            "timeZone": self._troubles.now.time_zone,
        }
        if self.cloud:
            me = {"accountId": person.account_id, "accountType": "atlassian"}
            return {"self": self.url(f"user?accountId={person.account_id}"), **me, **common}
        return {"self": self.url(f"user?username={person.login}"), "name": person.login, "key": person.login, **common}

    def status(self, status: Status) -> Tree:
        number, color, name = CATEGORIES[status.category]
        return {
            "self": self.url(f"status/{status.id}"),
            "description": "",
            "iconUrl": f"{self.base}/",
            "name": self._troubles.now.renamed.get(status.name, status.name),
            "id": status.id,
            "statusCategory": {
                "self": self.url(f"statuscategory/{number}"),
                "id": number,
                "key": status.category,
                "colorName": color,
                "name": name,
            },
        }

    def priority(self, id: str) -> Tree:  # noqa: A002 - Jira's word
        return {"self": self.url(f"priority/{id}"), "iconUrl": f"{self.base}/", "name": PRIORITIES[id], "id": id}

    def project(self) -> Tree:
        return {
            "self": self.url(f"project/{PROJECT_ID}"),
            "id": PROJECT_ID,
            "key": PROJECT,
            "name": "Help desk",
            "projectTypeKey": "service_desk",
            "simplified": False,
        }

    def issue_type(self, kind: IssueType) -> Tree:
        return {"self": self.url(f"issuetype/{kind.id}"), "id": kind.id, "name": kind.name, "subtask": False}

    def issue_type_with_statuses(self, kind: IssueType) -> Tree:
        return {**self.issue_type(kind), "statuses": [self.status(status) for status in self._model.statuses_of(kind)]}

    # issues

    def issue(self, issue: Issue, *, only: list[str] | None = None, properties: list[str] | None = None) -> Tree:
        """The fields named; a field of many values costs time, so it is made only for those who ask."""
        wanted = None if not only or "*all" in only or "*navigable" in only else set(only)
        fields = self._plain_fields(issue) | {
            name: make(issue) for name, make in self._made_fields().items() if wanted is None or name in wanted
        }
        if wanted is not None:
            fields = {name: value for name, value in fields.items() if name in wanted}
        found: Tree = {"id": issue.id, "key": issue.key, "self": self.url(f"issue/{issue.id}"), "fields": fields}
        if properties:
            found["properties"] = {k: v for k, v in issue.properties.items() if k in properties or "*all" in properties}
        return found

    def _plain_fields(self, issue: Issue) -> Tree:
        blank: Tree = {"summary": "", "description": None, "labels": [], "components": []}
        fields: Tree = {**blank, **{row["id"]: None for row in workflow.CUSTOM}, **issue.fields}
        if self._api == 2:
            fields |= {name: markup.text(fields[name]) or None for name in workflow.DOCUMENTS}
        return fields

    def _made_fields(self) -> dict[str, Callable[[Issue], Any]]:
        return {
            "project": lambda _: self.project(),
            "issuetype": lambda issue: self.issue_type(issue.type),
            "status": lambda issue: self.status(issue.status),
            "priority": lambda issue: self.priority(issue.fields.get("priority", "3")),
            "resolution": lambda issue: {"name": issue.resolution} if issue.resolution else None,
            "reporter": lambda issue: self.person(issue.reporter),
            "creator": lambda issue: self.person(issue.reporter),
            "assignee": lambda issue: self.person(issue.assignee) if issue.assignee else None,
            "created": lambda issue: stamp(issue.created),
            "updated": lambda issue: stamp(issue.updated),
            "issuelinks": lambda issue: [self._link(link) for link in issue.links],
            "attachment": lambda issue: [self.file(file) for file in issue.files],
            "comment": self._comments,
            workflow.REQUEST_TYPE: self._request,
            workflow.AGREEMENT["id"]: self.agreement,
        }

    def _comments(self, issue: Issue) -> Tree:
        rows = [self.comment(comment) for comment in issue.comments]
        return {"comments": rows, "maxResults": len(rows), "total": len(rows), "startAt": 0}

    def _link(self, link: tuple[str, str, str]) -> Tree:
        kind, side, id = link  # noqa: A001
        return {"type": self.link_type(kind), side: {"id": id, "self": self.url(f"issue/{id}")}}

    def link_type(self, name: str) -> Tree:
        inward, outward = workflow.LINKS[name]
        id = str(10_000 + [*workflow.LINKS].index(name))  # noqa: A001
        return {"id": id, "name": name, "inward": inward, "outward": outward, "self": self.url(f"issueLinkType/{id}")}

    def _request(self, issue: Issue) -> Tree | None:
        found = workflow.request_type(str(issue.fields.get(workflow.REQUEST_TYPE, "")))
        return (
            {"requestType": self.request_type(found), "currentStatus": {"status": issue.status.name}} if found else None
        )

    def comment(self, comment: Comment, *, properties: bool = False) -> Tree:
        found: Tree = {
            "self": self.url(f"comment/{comment.id}"),
            "id": comment.id,
            "author": self.person(comment.author),
            "body": comment.body if self._api == 3 else markup.text(comment.body),
            "updateAuthor": self.person(comment.author),
            "created": stamp(comment.created),
            "updated": stamp(comment.updated),
        }
        if self.cloud:
            found["jsdPublic"] = not comment.internal
        if properties:
            found["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return found

    def history(self, history: History) -> Tree:
        """By the reference, what a field did not hold is left out; webhooks say null."""
        return {
            "id": history.id,
            "author": self.person(history.author),
            "created": stamp(history.created),
            "items": [{key: value for key, value in item.items() if value is not None} for item in history.items],
        }

    def file(self, file: File) -> Tree:
        path = self.url(f"attachment/content/{file.id}") if self.cloud else self._download(file)
        return {
            "self": self.url(f"attachment/{file.id}"),
            "id": file.id,
            "filename": file.name,
            "author": self.person(file.author),
            "created": stamp(file.created),
            "size": len(file.content),
            "mimeType": file.media_type,
            "content": path,
        }

    def _download(self, file: File) -> str:
        return f"{self.base}/secure/attachment/{file.id}/{file.name}"

    def transition(self, transition: Transition, *, fields: bool) -> Tree:
        found: Tree = {
            "id": transition.id,
            "name": transition.name,
            "to": self.status(self._model.statuses[transition.to]),
            "hasScreen": transition.screen,
            "isGlobal": False,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": bool(transition.only),
        }
        if fields:
            required = self._troubles.now.required.get(transition.name, ())
            screen = {id: workflow.field(id) | {"required": id in required} for id in (*transition.shows, *required)}  # noqa: A001
            found["fields"] = screen | ({"resolution": _RESOLUTION} if transition.screen else {})
        return found

    # Jira Service Management

    def request_type(self, found: RequestType) -> Tree:
        return {
            "id": found.id,
            "name": found.name,
            "description": found.name,
            "issueTypeId": found.issue_type,
            "serviceDeskId": DESK,
            "_links": {"self": f"{self.base}/rest/servicedeskapi/servicedesk/{DESK}/requesttype/{found.id}"},
        }

    def form_field(self, field: str) -> Tree:
        """A field of a request type's form, as the portal shows it."""
        shown = workflow.field(field)
        return {
            "fieldId": field,
            "name": shown["name"],
            "description": "",
            "required": field == "summary",
            "defaultValues": [],
            "validValues": [
                {"value": option["id"], "label": option["value"], "children": []}
                for option in shown.get("allowedValues", [])
            ],
            "presetValues": [],
            "jiraSchema": shown["schema"],
            "visible": True,
        }

    def request(self, issue: Issue) -> Tree:
        return {
            "issueId": issue.id,
            "issueKey": issue.key,
            "requestTypeId": str(issue.fields.get(workflow.REQUEST_TYPE, "")),
            "serviceDeskId": DESK,
            "createdDate": self._date(issue.created),
            "reporter": self.person(issue.reporter),
            "currentStatus": {"status": issue.status.name, "statusDate": self._date(issue.updated)},
            "_links": {"self": f"{self.base}/rest/servicedeskapi/request/{issue.id}"},
        }

    def agreement(self, issue: Issue) -> Tree | None:
        """Time to resolution, of incidents: it runs until the issue is done."""
        if issue.type.name != "[System] Incident":
            return None
        due = issue.created.timestamp() * 1000 + workflow.GOAL
        cycle = {
            "startTime": self._date(issue.created),
            "breachTime": self._date(issue.created, workflow.GOAL),
            "breached": issue.updated.timestamp() * 1000 > due,
            "goalDuration": {"millis": workflow.GOAL, "friendly": "4h"},
        }
        done = issue.status.category == "done"
        running = {} if done else {"ongoingCycle": cycle | {"paused": False, "withinCalendarHours": True}}
        return {
            "id": "1",
            "name": workflow.AGREEMENT["name"],
            "_links": {"self": f"{self.base}/rest/servicedeskapi/request/{issue.id}/sla/1"},
            "completedCycles": [cycle | {"stopTime": self._date(issue.updated)}] if done else [],
            **running,
        }

    def desk_comment(self, comment: Comment) -> Tree:
        return {
            "id": comment.id,
            "body": markup.text(comment.body),
            "public": not comment.internal,
            "author": self.person(comment.author),
            "created": self._date(comment.created),
        }

    def approval(self, approval: Approval, viewer: Person) -> Tree:
        found: Tree = {
            "id": approval.id,
            "name": approval.status,
            "finalDecision": approval.decision,
            "canAnswerApproval": approval.votes.get(viewer) == "pending" == approval.decision,
            "approvers": [
                {"approver": self.person(approver), "approverDecision": vote}
                for approver, vote in approval.votes.items()
            ],
            "createdDate": self._date(approval.created),
        }
        return found | ({"completedDate": self._date(approval.completed)} if approval.completed else {})

    def _date(self, when: Any, later: int = 0) -> Tree:
        return {
            "iso8601": stamp(when),
            "jira": stamp(when),
            "friendly": "",
            "epochMillis": int(when.timestamp() * 1000) + later,
        }


_RESOLUTION: Tree = {
    "required": True,
    "schema": {"type": "resolution", "system": "resolution"},
    "name": "Resolution",
    "key": "resolution",
    "operations": ["set"],
    "allowedValues": [{"id": id, "name": name} for id, name in workflow.RESOLUTIONS.items()],  # noqa: A001
}
