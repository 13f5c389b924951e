"""What can be done to records, each with the webhooks that Jira sends for it."""

from typing import Any

from firstline_jira.sandbox import markup, workflow
from firstline_jira.sandbox.hook import Hooks
from firstline_jira.sandbox.record import DESK, PROJECT, PROJECT_ID, Approval, Comment, Issue, Person, Records, Refused
from firstline_jira.sandbox.render import Render
from firstline_jira.sandbox.workflow import GATES, Transition

Tree = dict[str, Any]
Change = tuple[str, str, str, str, str]  # field, from, from in words, to, to in words

_CREATABLE: set[str] = {field["id"] for field in (*workflow.SYSTEM, *workflow.CUSTOM)}
_EDITABLE = _CREATABLE - {"project", "issuetype", "reporter"}


class Actions:
    def __init__(self, records: Records, hooks: Hooks, base: str) -> None:
        self.records = records
        self._hooks = hooks
        self._v2 = Render(base, api=2)

    # issues

    def create(self, person: Person, details: Tree) -> Issue:
        fields = _fields(details)
        _refuse_unknown(fields, _CREATABLE)
        project = fields.get("project") or {}
        if PROJECT not in (project.get("key"), project.get("name")) and project.get("id") != PROJECT_ID:
            raise Refused(400, project="Specify a valid project ID or key")
        kind = fields.get("issuetype") or {}
        found = workflow.issue_type(str(kind.get("id") or kind.get("name")))
        if found is None:
            raise Refused(400, issuetype="Specify an issue type")
        values = _checked({k: v for k, v in fields.items() if k not in ("project", "issuetype", "reporter")})
        if not values.get("summary"):
            raise Refused(400, summary="You must specify a summary of the issue.")
        issue = self.records.add(found, person, values)
        issue.properties.update(_properties(details))
        self._tell(
            "jira:issue_created",
            "issue_created",
            person,
            issue,
            [("Status", "", "", issue.status.id, issue.status.name)],
        )
        return issue

    def request(self, person: Person, body: Tree) -> Issue:
        """A customer request, as the portal makes it."""
        kind = workflow.request_type(str(body.get("requestTypeId", "")))
        if kind is None or str(body.get("serviceDeskId", "")) != DESK:
            raise Refused(400, "The service desk or request type does not exist.")
        fields = dict(body.get("requestFieldValues") or {})
        if isinstance(fields.get("description"), str):
            fields["description"] = markup.document(fields["description"])
        fields |= {"project": {"key": PROJECT}, "issuetype": {"id": kind.issue_type}, workflow.REQUEST_TYPE: kind.id}
        return self.create(person, {"fields": fields})

    def edit(self, person: Person, issue: Issue, details: Tree) -> None:
        fields = _fields(details)
        _refuse_unknown(fields, _EDITABLE)
        values = _checked(fields)
        changes = [_difference(name, issue.fields.get(name), value) for name, value in values.items()]
        issue.fields.update(values)
        issue.properties.update(_properties(details))
        if changes:
            self._touch(issue)
            self._tell("jira:issue_updated", "issue_updated", person, issue, changes)

    # transitions

    def offered(self, issue: Issue) -> list[Transition]:
        change_type = (issue.fields.get(workflow.CHANGE_TYPE) or {}).get("value", "")
        return [
            transition
            for transition in issue.type.transitions
            if issue.status.name in transition.sources and (not transition.only or change_type in transition.only)
        ]

    def transition(self, person: Person, issue: Issue, details: Tree) -> None:
        wanted = str((details.get("transition") or {}).get("id") or "")
        found = next((t for t in self.offered(issue) if t.id == wanted), None)
        if found is None:
            raise Refused(400, f"It seems that you have tried to perform an illegal workflow operation: {wanted!r}.")
        fields = _fields(details)
        _refuse_unknown(fields, {"resolution"} if found.screen else set())
        resolution = str((fields.get("resolution") or {}).get("name") or "")
        if found.screen and resolution not in workflow.RESOLUTIONS.values():
            raise Refused(400, resolution="Resolution is required.")
        self._enter(person, issue, found.to, resolution)

    def _enter(self, person: Person, issue: Issue, status: str, resolution: str = "") -> None:
        before, old = issue.status, issue.resolution
        issue.status = workflow.STATUSES[status]
        issue.resolution = resolution or (issue.resolution if issue.status.category == "done" else "")
        changes: list[Change] = [("status", before.id, before.name, issue.status.id, issue.status.name)]
        if old != issue.resolution:
            changes.append(("resolution", old, old, issue.resolution, issue.resolution))
        self._touch(issue)
        if status in GATES:
            issue.approvals.append(Approval(str(self.records.number("approval")), status, issue.updated))
        self._tell("jira:issue_updated", "issue_generic", person, issue, changes)

    def decide(self, person: Person, issue: Issue, decision: str) -> Approval:
        """Answer the pending approval: `approve` or `decline`; the workflow goes on by itself."""
        pending = next((a for a in issue.approvals if a.decision == "pending" and a.status == issue.status.name), None)
        if pending is None or decision not in ("approve", "decline"):
            raise Refused(400, f"{issue.key} has no approval that can be answered so.")
        pending.decision = "approved" if decision == "approve" else "declined"
        pending.completed = self.records.now()
        gate = GATES[pending.status]
        ended = pending.decision == "declined"
        self._enter(person, issue, gate.declined if ended else gate.approved, "Won't Do" if ended else "")
        return pending

    # comments

    def comment(self, person: Person, issue: Issue, body: Any, properties: Any) -> Comment:
        now = self.records.now()
        found = Comment(
            str(self.records.number("comment")),
            person,
            _document(body, "comment"),
            now,
            now,
            _properties({"properties": properties}),
        )
        issue.comments.append(found)
        issue.updated = now
        self._tell_comment("comment_created", issue, found)
        return found

    def edit_comment(self, issue: Issue, id: str, body: Any, properties: Any) -> Comment:  # noqa: A002
        found = self.find_comment(issue, id)
        found.body = _document(body, "comment")
        found.properties.update(_properties({"properties": properties}))
        found.updated = issue.updated = self.records.now()
        self._tell_comment("comment_updated", issue, found)
        return found

    def find_comment(self, issue: Issue, id: str) -> Comment:  # noqa: A002
        found = next((comment for comment in issue.comments if comment.id == id), None)
        if found is None:
            raise Refused(404, f"Can not find a comment for the id: {id}.")
        return found

    def link(self, kind: str, inward: Issue, outward: Issue) -> None:
        """A link that is there already stays one."""
        if (kind, "outwardIssue", outward.id) not in inward.links:
            inward.links.append((kind, "outwardIssue", outward.id))
            outward.links.append((kind, "inwardIssue", inward.id))

    # webhooks

    def _touch(self, issue: Issue) -> None:
        issue.updated = self.records.now()

    def _tell(self, event: str, kind: str, person: Person, issue: Issue, changes: list[Change]) -> None:
        rows = [_changelog_row(*change) for change in changes]
        self._hooks.tell(
            {
                "timestamp": _ms(issue.updated),
                "webhookEvent": event,
                "issue_event_type_name": kind,
                "user": self._v2.person(person),
                "issue": self._v2.issue(issue),
                "changelog": {"id": str(self.records.number("changelog")), "items": rows},
            }
        )

    def _tell_comment(self, event: str, issue: Issue, comment: Comment) -> None:
        """With six fields of the issue, as Cloud sends it."""
        six = ["summary", "issuetype", "project", "assignee", "priority", "status"]
        self._hooks.tell(
            {
                "timestamp": _ms(comment.updated),
                "webhookEvent": event,
                "comment": self._v2.comment(comment),
                "issue": self._v2.issue(issue, only=six),
            }
        )


def _changelog_row(field: str, before: str, before_words: str, after: str, after_words: str) -> Tree:
    return {
        "field": field,
        "fieldtype": "jira",
        "fieldId": field.lower(),
        "from": before or None,
        "fromString": before_words or None,
        "to": after or None,
        "toString": after_words or None,
    }


def _fields(details: Tree) -> Tree:
    fields = details.get("fields") or {}
    if not isinstance(fields, dict):
        raise Refused(400, "fields must be an object")
    return fields


def _refuse_unknown(fields: Tree, known: set[str]) -> None:
    for name in fields:
        if name not in known:
            reason = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            raise Refused(400, **{name: reason})


def _checked(fields: Tree) -> Tree:
    """The values as they are kept; `Refused` names the field."""
    kept = dict(fields)
    if len(str(kept.get("summary") or "")) > 255:
        raise Refused(400, summary="Summary must be less than 255 characters.")
    for name in workflow.DOCUMENTS:
        if kept.get(name) is not None:
            kept[name] = _document(kept[name], name)
    if any(" " in str(label) for label in kept.get("labels") or []):
        raise Refused(400, labels="The label contains spaces which is invalid.")
    if "priority" in kept:
        kept["priority"] = _priority(kept["priority"])
    if workflow.CHANGE_TYPE in kept and kept[workflow.CHANGE_TYPE].get("value") not in workflow.CHANGE_TYPES.values():
        raise Refused(400, **{workflow.CHANGE_TYPE: "Option value is not valid"})
    return kept


def _priority(value: Any) -> str:
    wanted = value if isinstance(value, dict) else {}
    for id, name in workflow.PRIORITIES.items():  # noqa: A001
        if wanted.get("id") == id or wanted.get("name") == name:
            return id
    raise Refused(400, priority="The priority selected is invalid.")


def _document(body: Any, name: str) -> Tree:
    if not markup.is_document(body):
        raise Refused(
            400, **{name: "Operation value must be an Atlassian Document (see the Atlassian Document Format)"}
        )
    if markup.too_long(body):
        raise Refused(400, **{name: "The entered text is too long. It exceeds the allowed limit of 32,767 characters."})
    found: Tree = body
    return found


def _properties(details: Tree) -> Tree:
    return {str(row["key"]): row.get("value") for row in details.get("properties") or []}


def _difference(name: str, before: Any, after: Any) -> Change:
    words: dict[str, str] = workflow.PRIORITIES if name == "priority" else {}
    old, new = (markup.text(v) if isinstance(v, dict) else str(v or "") for v in (before or "", after))
    if name == "priority":
        old = old or "3"
    return (name, old, words.get(old, old), new, words.get(new, new))


def _ms(when: Any) -> int:
    return int(when.timestamp() * 1000)
