"""Change requests as issues of a service project.

A change is created by one request that carries its mark (an entity property) and a label made of its key. Search
finds the label, but runs behind; so when a create may have reached Jira and search knows nothing of it, the newest keys
of the project are read from the database by bulk fetch, past the last one that search knows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from firstline.connector import Approval, ChangeDraft, ChangeState, Conflict, Evidence, Fact, Note
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_jira.desk import discover
from firstline_jira.draft import Desk, details
from firstline_jira.issue import CHANGE as KIND
from firstline_jira.issue import ISSUE, named
from firstline_jira.lifecycle import ASKING, ENDED, Lifecycle, is_past
from firstline_jira.marker import CHANGE, issue_id, label
from firstline_jira.note import Notes
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
from firstline_jira.shape import moment
from firstline_jira.site import Site
from firstline_jira.state import Workflow

BEFORE, BEYOND = 20, 80  # keys read around the newest one that search knows; 100 is what bulk fetch takes
STEPS = 8  # statuses a move may pass

Tree = dict[str, Any]


class Changes:
    def __init__(
        self,
        connection: str,
        settings: ChangeSettings,
        base_url: str,
        rest: Rest,
        site: Site,
        notes: Notes,
        workflow: Workflow,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._base_url = base_url
        self._rest = rest
        self._site = site
        self._notes = notes
        self._workflow = workflow
        self._lifecycle = Lifecycle(settings.statuses)
        self._desk: Desk | None = None

    async def desk(self) -> Desk:
        """Asked once; a change of the project's set-up needs a restart."""
        if self._desk is None:
            self._desk = await discover(self._settings, self._rest, self._site)
        return self._desk

    def state(self, status: Any) -> ChangeState | None:
        return self._lifecycle.state(status)

    def states(self, desk: Desk) -> set[ChangeState | None]:
        return {self.state(status) for status in desk.statuses}

    async def open(self, draft: ChangeDraft) -> Reference:
        found = await self._find(draft.key) if draft.tried else None
        if found is None:
            found = await self._site.create(details(draft, await self.desk(), self._site.edition))
        reference = self._reference(found)
        if draft.incident and self._settings.link_type and self._is_here(draft.incident):
            await self._site.link(self._settings.link_type, issue_id(draft.incident), reference.id)
        return reference

    def _is_here(self, incident: Reference) -> bool:
        return incident.connection == self._connection and incident.kind == ISSUE and incident.id.isdigit()

    def _reference(self, issue: Tree) -> Reference:
        if "id" not in issue:
            raise Unavailable("Jira answered an issue without an id")
        key = str(issue.get("key", ""))
        return Reference(
            connection=self._connection,
            kind=KIND,
            id=str(issue["id"]),
            number=key,
            url=f"{self._base_url}/browse/{key}",
        )

    async def _find(self, key: str) -> Tree | None:
        project = self._settings.project
        jql = f'project = "{project}" AND labels = "{label(key)}" ORDER BY key ASC'
        indexed = await self._site.search(jql, ["labels"], [CHANGE])
        if self._site.edition.cloud:
            return _marked(indexed, key) or _marked(await self._newest(), key)
        read = [await self._rest.issue(str(row["id"]), fields="labels", properties=CHANGE) for row in indexed]
        return _marked(read, key)

    async def _newest(self) -> Sequence[Tree]:
        """Cloud only: Data Center indexes an issue before it answers that it is created."""
        project = self._settings.project
        last = await self._site.search(f'project = "{project}" ORDER BY key DESC', ["labels"], [], limit=1)
        number = int(str(last[0]["key"]).rpartition("-")[2]) if last else 0
        keys = [f"{project}-{n}" for n in range(max(1, number - BEFORE + 1), number + BEYOND + 1)]
        return await self._site.bulk_fetch(keys, ["labels"], [CHANGE])

    async def _approvals(self, issue: str) -> Sequence[Tree]:
        """Only customer requests have approvals; elsewhere the status alone says how far a change is."""
        return [] if self._settings.issue_type else await self._site.approvals(issue)

    async def approval(self, reference: Reference) -> Approval:
        """Pending beats decided, the last decision beats earlier ones. A status that asks for approval without naming
        approvers waits as well."""
        issue = issue_id(reference)
        _, state = await self._read(issue)
        return self._approval(state, await self._approvals(issue))

    def _approval(self, state: ChangeState | None, approvals: Sequence[Tree]) -> Approval:
        by = tuple(name for approval in approvals for name in _approvers(approval))
        decisions = [str(a.get("finalDecision", "")) for a in sorted(approvals, key=_created)]
        if state == "canceled" or decisions[-1:] == ["declined"]:
            return Approval(state="refused", by=by)
        if "pending" in decisions or state in ASKING:
            return Approval(state="waiting", by=by)
        return Approval(state="approved" if "approved" in decisions else "not_required", by=by)

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        """States that the project's workflow has no status for are passed by: there is nothing to move to."""
        issue = issue_id(reference)
        if to not in ("implement", "closed", "canceled") and to not in self.states(await self.desk()):
            return
        for step in range(STEPS):
            status, state = await self._read(issue)
            if state == to or is_past(state, to):
                return
            await self._refuse(reference, named(status, "status"), state, to)
            chosen = self._lifecycle.step(await self._rest.transitions(issue), state, to, evidence.result)
            if not step:
                await self._tell(reference, to, evidence)
            await self._take(reference, chosen, evidence.notes)
        raise Rejected(f"the change {reference.label} was moved {STEPS} times and is still not in {to}")

    async def _refuse(self, reference: Reference, status: str, state: ChangeState | None, to: ChangeState) -> None:
        """Raise `Rejected` where the way on is for people: an ended change, an approval that is asked for, a status
        nobody explained. What waits for approval may still be canceled."""
        if state in ENDED:
            raise Rejected(f"the change {reference.label} is {status!r} already and can't go to {to}")
        if to == "canceled":
            return
        if state is None:
            raise Rejected(f"the change {reference.label} is {status!r}; say in change.statuses what that stands for")
        approval = self._approval(state, await self._approvals(issue_id(reference)))
        if approval.state in ("waiting", "refused"):
            by = ", ".join(approval.by) or "nobody is named"
            raise Rejected(f"the change {reference.label} is {status!r} and not approved ({approval.state}: {by})")

    async def _take(self, reference: Reference, chosen: Tree, notes: str) -> None:
        issue = issue_id(reference)
        await self._workflow.take(issue, chosen, notes)
        status, after = await self._read(issue)
        if after != self._lifecycle.state(chosen.get("to")):
            raise Rejected(
                f"Jira accepted the transition {chosen.get('name')!r}, but the change {reference.label} is "
                f"{named(status, 'status')!r}: a post function or automation rule may have moved it on"
            )

    async def _read(self, issue: str) -> tuple[Any, ChangeState | None]:
        status = (await self._rest.issue(issue, fields="status"))["fields"].get("status")
        return status, self._lifecycle.state(status)

    async def _tell(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        """The evidence as an internal comment, one for each state; before the move, since a closed issue may be
        read-only."""
        named_facts = {"Result": evidence.result, "Work started": evidence.work_start, "Work ended": evidence.work_end}
        facts = tuple(Fact(label=name, value=_shown(value)) for name, value in named_facts.items() if value)
        if facts or evidence.notes:
            note = Note(key=f"change:{to}", headline=f"Change to {to}", facts=facts, body=evidence.notes)
            await self._notes.write(reference, note)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        """Other changes of the project that name the same item and are being implemented, or are planned for the same
        time. Jira offers neither blackout windows nor its calendar's conflicts over REST; and search runs behind, so a
        change of the last minutes may be missing."""
        issue = await self._rest.issue(issue_id(reference), fields="status", properties=CHANGE)
        mine = (issue.get("properties") or {}).get(CHANGE) or {}
        ci = " ".join(str(mine.get("ci") or "").replace("\\", " ").replace('"', " ").split())
        if not ci:
            return []
        desk = await self.desk()
        start, end = desk.field("planned_start"), desk.field("planned_end")
        jql = f'project = "{desk.project}" AND issuetype = {desk.issue_type} AND statusCategory != Done'
        phrase = f'text ~ "\\"{ci}\\""'
        others = await self._site.search(
            f"{jql} AND {phrase} ORDER BY key ASC", [f for f in ("summary", "status", start, end) if f], []
        )
        return [
            self._conflict(other)
            for other in others
            if str(other.get("id")) != str(issue["id"]) and self._collides(other, mine, start, end)
        ]

    def _collides(self, other: Tree, mine: Tree, start: str, end: str) -> bool:
        fields = other.get("fields") or {}
        if self._lifecycle.state(fields.get("status")) == "implement":
            return True
        theirs = [moment(fields.get(field), field) if field else None for field in (start, end)]
        ours = [datetime.fromisoformat(mine[name]) if mine.get(name) else None for name in ("start", "end")]
        if None in theirs or None in ours:
            return False
        return bool(theirs[0] < ours[1] and ours[0] < theirs[1])  # type: ignore[operator]

    def _conflict(self, other: Tree) -> Conflict:
        fields = other.get("fields") or {}
        key = str(other.get("key", ""))
        status = named(fields.get("status"), "status")
        return Conflict(
            kind="change", what=f"{key} ({status}): {fields.get('summary') or ''}", url=f"{self._base_url}/browse/{key}"
        )


def _marked(issues: Sequence[Tree], key: str) -> Tree | None:
    for issue in issues:
        mark = (issue.get("properties") or {}).get(CHANGE)
        if isinstance(mark, dict) and mark.get("key") == key:
            return issue
    return None


def _approvers(approval: Tree) -> list[str]:
    rows = [row.get("approver") or {} for row in approval.get("approvers") or []]
    return [str(row.get("displayName") or row.get("accountId") or "") for row in rows]


def _created(approval: Tree) -> int:
    return int((approval.get("createdDate") or {}).get("epochMillis") or 0)


def _shown(value: Any) -> str:
    return value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value).replace("_", " ")
