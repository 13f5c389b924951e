"""Records as JSON, in the shape of REST v3 or, for webhooks, of REST v2."""

from typing import Any

from firstline_jira.sandbox import markup, workflow
from firstline_jira.sandbox.record import DESK, PROJECT, PROJECT_ID, Approval, Comment, Issue, Person, stamp
from firstline_jira.sandbox.workflow import CATEGORIES, PRIORITIES, IssueType, RequestType, Status, Transition

Tree = dict[str, Any]


class Render:
    """`base` is the sandbox's own address; `api` 2 or 3."""

    def __init__(self, base: str, api: int = 3) -> None:
        self._base = base
        self._api = api

    def url(self, path: str) -> str:
        return f"{self._base}/rest/api/{self._api}/{path}"

    def person(self, person: Person) -> Tree:
        return {
            "self": self.url(f"user?accountId={person.account_id}"),
            "accountId": person.account_id,
            "emailAddress": person.email,
            "displayName": person.name,
            "active": True,
            "timeZone": "Etc/UTC",
            "accountType": "atlassian",
        }

    def status(self, status: Status) -> Tree:
        number, color, name = CATEGORIES[status.category]
        return {
            "self": self.url(f"status/{status.id}"),
            "description": "",
            "iconUrl": f"{self._base}/",
            "name": status.name,
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
        return {"self": self.url(f"priority/{id}"), "iconUrl": f"{self._base}/", "name": PRIORITIES[id], "id": id}

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
        return {**self.issue_type(kind), "statuses": [self.status(status) for status in kind.statuses()]}

    def issue(self, issue: Issue, *, only: list[str] | None = None, properties: list[str] | None = None) -> Tree:
        fields = self.fields(issue)
        if only and "*all" not in only and "*navigable" not in only:
            fields = {name: value for name, value in fields.items() if name in only}
        found: Tree = {"id": issue.id, "key": issue.key, "self": self.url(f"issue/{issue.id}"), "fields": fields}
        if properties:
            found["properties"] = {k: v for k, v in issue.properties.items() if k in properties or "*all" in properties}
        return found

    def fields(self, issue: Issue) -> Tree:
        fields: Tree = {
            "summary": "",
            "description": None,
            "labels": [],
            "components": [],
            "assignee": None,
            **{row["id"]: None for row in workflow.CUSTOM},
            **issue.fields,
            "project": self.project(),
            "issuetype": self.issue_type(issue.type),
            "status": self.status(issue.status),
            "priority": self.priority(issue.fields.get("priority", "3")),
            "resolution": {"name": issue.resolution} if issue.resolution else None,
            "reporter": self.person(issue.reporter),
            "creator": self.person(issue.reporter),
            "created": stamp(issue.created),
            "updated": stamp(issue.updated),
            "issuelinks": [self._link(link) for link in issue.links],
        }
        fields[workflow.REQUEST_TYPE] = self._request(issue)
        if self._api == 2:
            fields |= {name: markup.text(fields[name]) or None for name in workflow.DOCUMENTS}
        return fields

    def _link(self, link: tuple[str, str, str]) -> Tree:
        kind, side, id = link  # noqa: A001
        return {"type": {"name": kind}, side: {"id": id, "self": self.url(f"issue/{id}")}}

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
            "jsdPublic": not comment.internal,
        }
        if properties:
            found["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return found

    def transition(self, transition: Transition, *, fields: bool) -> Tree:
        found: Tree = {
            "id": transition.id,
            "name": transition.name,
            "to": self.status(workflow.STATUSES[transition.to]),
            "hasScreen": transition.screen,
            "isGlobal": False,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": bool(transition.only),
        }
        if fields:
            found["fields"] = {"resolution": _RESOLUTION} if transition.screen else {}
        return found

    # Jira Service Management

    def request_type(self, found: RequestType) -> Tree:
        return {
            "id": found.id,
            "name": found.name,
            "description": found.name,
            "issueTypeId": found.issue_type,
            "serviceDeskId": DESK,
            "_links": {"self": f"{self._base}/rest/servicedeskapi/servicedesk/{DESK}/requesttype/{found.id}"},
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
            "_links": {"self": f"{self._base}/rest/servicedeskapi/request/{issue.id}"},
        }

    def desk_comment(self, comment: Comment) -> Tree:
        return {
            "id": comment.id,
            "body": markup.text(comment.body),
            "public": not comment.internal,
            "author": self.person(comment.author),
            "created": self._date(comment.created),
        }

    def approval(self, approval: Approval, approver: Person) -> Tree:
        found: Tree = {
            "id": approval.id,
            "name": approval.status,
            "finalDecision": approval.decision,
            "canAnswerApproval": False,
            "approvers": [{"approver": self.person(approver), "approverDecision": approval.decision}],
            "createdDate": self._date(approval.created),
        }
        return found | ({"completedDate": self._date(approval.completed)} if approval.completed else {})

    def _date(self, when: Any) -> Tree:
        return {
            "iso8601": stamp(when),
            "jira": stamp(when),
            "friendly": "",
            "epochMillis": int(when.timestamp() * 1000),
        }


_RESOLUTION: Tree = {
    "required": True,
    "schema": {"type": "resolution", "system": "resolution"},
    "name": "Resolution",
    "key": "resolution",
    "operations": ["set"],
    "allowedValues": [{"id": id, "name": name} for id, name in workflow.RESOLUTIONS.items()],  # noqa: A001
}
