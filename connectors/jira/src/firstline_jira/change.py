"""Change requests as issues of a service project.

A change is created by one request that carries its mark (an entity property) and a label made of its key. Search
finds the label, but runs behind; so when a create may have reached Jira and search knows nothing of it, the newest keys
of the project are read from the database by bulk fetch, past the last one that search knows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from firstline.connector import ChangeDraft, ChangeState, Conflict, Evidence, Standing
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline_jira.desk import discover
from firstline_jira.draft import Desk, details
from firstline_jira.issue import CHANGE as KIND
from firstline_jira.issue import ISSUE, named
from firstline_jira.lifecycle import Lifecycle
from firstline_jira.marker import CHANGE, issue_id, label
from firstline_jira.move import Mover
from firstline_jira.note import Notes
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
from firstline_jira.shape import moment
from firstline_jira.site import Site
from firstline_jira.standing import Reader
from firstline_jira.state import Workflow

BEFORE, BEYOND = 20, 80  # keys read around the newest one that search knows; 100 is what bulk fetch takes

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
        self._lifecycle = Lifecycle(settings.statuses)
        self._reader = Reader(settings, rest, site, self._lifecycle, self.desk)
        self._mover = Mover(settings, rest, notes, workflow, self._lifecycle, self._reader)
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

    async def request(self, reference: Reference, evidence: Evidence) -> None:
        await self._mover.request(reference, evidence)

    async def standing(self, reference: Reference) -> Standing:
        return (await self._reader.read(reference)).standing

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        """States that the project's workflow has no status for are passed by: there is nothing to move to."""
        issue_id(reference)
        if to in ("implement", "closed", "canceled") or to in self.states(await self.desk()):
            await self._mover.move(reference, to, evidence)

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
