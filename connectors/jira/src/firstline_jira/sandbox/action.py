"""What can be done to records, each with the webhooks that Jira sends for it."""

from typing import Any

from firstline_jira.sandbox import markup, workflow
from firstline_jira.sandbox.hook import Hooks
from firstline_jira.sandbox.model import CHANGE, Model
from firstline_jira.sandbox.record import (
    DESK,
    PROJECT,
    PROJECT_ID,
    STAFF,
    Approval,
    Comment,
    File,
    History,
    Issue,
    Person,
    Records,
    Refused,
)
from firstline_jira.sandbox.render import Render
from firstline_jira.sandbox.trouble import Troubles
from firstline_jira.sandbox.value import Values
from firstline_jira.sandbox.workflow import Gate, Transition

Tree = dict[str, Any]
Change = tuple[str, str, str, str, str]  # field, from, from in words, to, to in words

_CREATABLE: set[str] = {field["id"] for field in (*workflow.SYSTEM, *workflow.CUSTOM)}
_EDITABLE = _CREATABLE - {"project", "issuetype", "reporter"}
# What webhooks tell of an issue: all that is no list of its own.
_TOLD = ["creator", "assignee", "resolution", "status", "created", "updated", workflow.AGREEMENT["id"], *_CREATABLE]


class Actions:
    """`render` has the shape of webhooks."""

    def __init__(self, records: Records, hooks: Hooks, troubles: Troubles, render: Render, model: Model) -> None:
        self.records = records
        self._model = model
        self._hooks = hooks
        self._troubles = troubles
        self._v2 = render
        self._check = Values(cloud=render.cloud)

    # issues

    def create(self, person: Person, details: Tree) -> Issue:
        fields = _fields(details)
        _refuse_unknown(fields, _CREATABLE)
        project = fields.get("project") or {}
        if PROJECT not in (project.get("key"), project.get("name")) and project.get("id") != PROJECT_ID:
            raise Refused(400, project="Specify a valid project ID or key")
        kind = fields.get("issuetype") or {}
        found = self._model.type(str(kind.get("id") or kind.get("name")))
        if found is None:
            raise Refused(400, issuetype="Specify an issue type")
        values = self._check({k: v for k, v in fields.items() if k not in ("project", "issuetype", "reporter")})
        if not values.get("summary"):
            raise Refused(400, summary="You must specify a summary of the issue.")
        now = self._troubles.now
        missing = [name for name in now.mandatory if found.id == CHANGE and name not in values]
        if missing:
            raise Refused(400, **{name: f"{workflow.field(name)['name']} is required." for name in missing})
        values = {name: value for name, value in values.items() if name not in now.read_only}
        issue = self.records.add(found, person, values)
        issue.properties.update(_properties(details))
        self._ask(issue)
        first = _changelog_row("Status", "", "", issue.status.id, issue.status.name)
        self._tell("jira:issue_created", "issue_created", person, issue, str(self.records.number("changelog")), [first])
        return issue

    def request(self, person: Person, body: Tree) -> Issue:
        """A customer request, as the portal makes it."""
        kind = workflow.request_type(str(body.get("requestTypeId", "")))
        if kind is None or str(body.get("serviceDeskId", "")) != DESK:
            raise Refused(400, "The service desk or request type does not exist.")
        fields = dict(body.get("requestFieldValues") or {})
        if isinstance(fields.get("description"), str):
            fields["description"] = self._check.words(fields["description"])
        fields |= {"project": {"key": PROJECT}, "issuetype": {"id": kind.issue_type}, workflow.REQUEST_TYPE: kind.id}
        return self.create(person, {"fields": fields})

    def edit(self, person: Person, issue: Issue, details: Tree) -> None:
        fields = _fields(details)
        _refuse_unknown(fields, _EDITABLE)
        values = {k: v for k, v in self._check(fields).items() if k not in self._troubles.now.read_only}
        changes = [_difference(name, issue.fields.get(name), value) for name, value in values.items()]
        issue.fields.update(values)
        issue.properties.update(_properties(details))
        if changes:
            self._changed("issue_updated", person, issue, changes)

    def assign(self, person: Person, issue: Issue, to: Person | None) -> None:
        old = issue.assignee
        issue.assignee = issue.assignee if "assignee" in self._troubles.now.read_only else to
        names = [getattr(one, "name", "") for one in (old, issue.assignee)]
        self._changed("issue_assigned", person, issue, [("assignee", names[0], names[0], names[1], names[1])])

    def attach(self, person: Person, issue: Issue, name: str, media_type: str, content: bytes) -> File:
        made = File(str(self.records.number("attachment")), name, person, self.records.now(), media_type, content)
        issue.files.append(made)
        self._changed("issue_updated", person, issue, [("Attachment", "", "", made.id, name)])
        return made

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
        required = self._troubles.now.required.get(found.name, ())
        _refuse_unknown(fields, {*required, *found.shows, *({"resolution"} if found.screen else ())})
        if missing := {name: f"{workflow.field(name)['name']} is required." for name in required if name not in fields}:
            raise Refused(400, **missing)
        resolution = str((fields.get("resolution") or {}).get("name") or "")
        if found.screen and resolution not in workflow.RESOLUTIONS.values():
            raise Refused(400, resolution="Resolution is required.")
        if found.name in self._troubles.now.inert:
            return
        issue.fields.update({name: value for name, value in fields.items() if name != "resolution"})
        self._enter(person, issue, found.to, resolution)

    def _enter(self, person: Person, issue: Issue, status: str, resolution: str = "") -> None:
        before, old = issue.status, issue.resolution
        issue.status = self._model.statuses[status]
        issue.resolution = resolution or (issue.resolution if issue.status.category == "done" else "")
        changes: list[Change] = [("status", before.id, before.name, issue.status.id, issue.status.name)]
        if old != issue.resolution:
            changes.append(("resolution", old, old, issue.resolution, issue.resolution))
        self._ask(issue)
        self._changed("issue_generic", person, issue, changes)

    def _ask(self, issue: Issue) -> None:
        """A status with an approval step asks whoever enters it."""
        if gate := self._model.gates.get(issue.status.name):
            id, votes = str(self.records.number("approval")), dict.fromkeys(self._approvers(issue, gate), "pending")  # noqa: A001
            issue.approvals.append(Approval(id, issue.status.name, self.records.now(), votes, gate.needed))

    def _approvers(self, issue: Issue, gate: Gate) -> list[Person]:
        """Those the change names, else the gate's; without those who are excluded."""
        named = [str(row.get("accountId") or row.get("name")) for row in issue.fields.get(workflow.APPROVERS) or []]
        people = [one for one in STAFF if {one.account_id, one.login} & {*named}]
        excluded = {person for role in gate.exclude if (person := getattr(issue, role))}
        return [one for one in people or [Person(email) for email in gate.approvers] if one not in excluded]

    def pending(self, issue: Issue) -> Approval | None:
        return next((a for a in issue.approvals if a.decision == "pending" and a.status == issue.status.name), None)

    def decide(self, person: Person, issue: Issue, decision: str) -> Approval:
        """An approver's answer to the pending approval: `approve` or `decline`. One declines; once as many as are
        needed have approved, the workflow goes on by itself."""
        pending = self.pending(issue)
        if pending is None or decision not in ("approve", "decline"):
            raise Refused(400, f"{issue.key} has no approval that can be answered so.")
        if person not in pending.votes:
            raise Refused(403, "You are not an approver of this request.")
        if pending.votes[person] != "pending":
            raise Refused(400, "You have answered this approval already.")
        pending.votes[person] = "approved" if decision == "approve" else "declined"
        votes = [*pending.votes.values()]
        if "declined" in votes or votes.count("approved") >= pending.needed:
            self._decided(person, issue, pending, "declined" if "declined" in votes else "approved")
        return pending

    def _decided(self, person: Person, issue: Issue, approval: Approval, decision: str) -> None:
        approval.decision, approval.completed = decision, self.records.now()
        gate = self._model.gates[approval.status]
        to, resolution = (gate.declined, "Won't Do") if decision == "declined" else (gate.approved, "")
        self._enter(person, issue, to, resolution if self._model.statuses[to].category == "done" else "")

    # comments

    def comment(self, person: Person, issue: Issue, body: Any, properties: Any) -> Comment:
        now = self.records.now()
        found = Comment(
            str(self.records.number("comment")),
            person,
            self._check.document(body, "comment"),
            now,
            now,
            _properties({"properties": properties}),
        )
        issue.comments.append(found)
        self.records.touch(issue, now)
        self._tell_comment("comment_created", "issue_commented", issue, found)
        return found

    def edit_comment(self, issue: Issue, id: str, body: Any, properties: Any) -> Comment:  # noqa: A002
        found = self.find_comment(issue, id)
        found.body = self._check.document(body, "comment")
        found.properties.update(_properties({"properties": properties}))
        found.updated = self.records.now()
        self.records.touch(issue, found.updated)
        self._tell_comment("comment_updated", "issue_comment_edited", issue, found)
        return found

    def delete_comment(self, issue: Issue, id: str) -> None:  # noqa: A002
        found = self.find_comment(issue, id)
        issue.comments.remove(found)
        self.records.touch(issue)
        self._tell_comment("comment_deleted", "issue_comment_deleted", issue, found)

    def find_comment(self, issue: Issue, id: str) -> Comment:  # noqa: A002
        found = next((comment for comment in issue.comments if comment.id == id), None)
        if found is None:
            raise Refused(404, f"Can not find a comment for the id: {id}.")
        return found

    def link(self, kind: str, inward: Issue, outward: Issue) -> None:
        """A link that is there already stays one."""
        if "issuelinks" in self._troubles.now.read_only:
            return
        if (kind, "outwardIssue", outward.id) not in inward.links:
            inward.links.append((kind, "outwardIssue", outward.id))
            outward.links.append((kind, "inwardIssue", inward.id))

    # webhooks

    def _changed(self, kind: str, person: Person, issue: Issue, changes: list[Change]) -> None:
        """An entry of the changelog, and the webhook that tells of it under the same id."""
        self.records.touch(issue)
        items = [_changelog_row(*change) for change in changes]
        issue.histories.append(History(str(self.records.number("changelog")), person, issue.updated, items))
        self._tell("jira:issue_updated", kind, person, issue, issue.histories[-1].id, items)

    def _tell(self, event: str, kind: str, person: Person, issue: Issue, id: str, items: list[Tree]) -> None:  # noqa: A002
        self._hooks.tell(
            issue,
            {
                "timestamp": _ms(issue.updated),
                "webhookEvent": event,
                "issue_event_type_name": kind,
                "user": self._v2.person(person),
                "issue": self._v2.issue(issue, only=_TOLD),
                "changelog": {"id": id, "items": items},
            },
        )

    def _tell_comment(self, event: str, kind: str, issue: Issue, comment: Comment) -> None:
        """Cloud: with six fields of the issue. Data Center: without the issue, and once more with all of it."""
        alone = {"timestamp": _ms(issue.updated), "webhookEvent": event, "comment": self._v2.comment(comment)}
        if self._v2.cloud:
            six = ["summary", "issuetype", "project", "assignee", "priority", "status"]
            self._hooks.tell(issue, alone | {"issue": self._v2.issue(issue, only=six)})
            return
        named = {"webhookEvent": "jira:issue_updated", "issue_event_type_name": kind}
        whole = {"user": self._v2.person(comment.author), "issue": self._v2.issue(issue, only=_TOLD)}
        self._hooks.tell(issue, alone, alone | named | whole)


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
