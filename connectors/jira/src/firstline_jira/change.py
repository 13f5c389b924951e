"""Change requests as issues of a service project.

A change is created by one request that carries its mark (an entity property) and a label made of its key. Search
finds the label, but runs behind; so when a create may have reached Jira and search knows nothing of it, the newest keys
of the project are read from the database by bulk fetch, past the last one that search knows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from firstline.connector import ChangeDraft, ChangeState, ChangeType, Conflict, Evidence, Note, Standing
from firstline.errors import Rejected, Unavailable
from firstline.incident import Reference
from firstline_jira.cause import Links
from firstline_jira.conflict import Conflicts
from firstline_jira.desk import discover
from firstline_jira.draft import Desk, details, lost, sections, title
from firstline_jira.issue import CHANGE as KIND
from firstline_jira.lifecycle import Lifecycle
from firstline_jira.marker import CHANGE, issue_id, label
from firstline_jira.move import Mover
from firstline_jira.note import Notes
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
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
        self._links = Links(connection, settings, rest, site)
        self._conflicts = Conflicts(base_url, site, self._lifecycle, self._reader, self.desk)
        self._notes = notes
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

    def refusals(self, desk: Desk) -> list[str]:
        """What changes would be refused for on this create screen, without sending any."""
        found = []
        for kind in get_args(ChangeType):
            try:
                details(_probe(kind), desk, self._settings, self._site.edition)
            except Rejected as refusal:
                found.append(str(refusal))
        return list(dict.fromkeys(found))

    async def open(self, draft: ChangeDraft) -> Reference:
        """After a refusal the project is asked anew how it is set up, since a person has mended it by then."""
        try:
            return await self._open(draft)
        except Rejected:
            self._desk = None
            raise

    async def _open(self, draft: ChangeDraft) -> Reference:
        desk = await self.desk()
        wanted = details(draft, desk, self._settings, self._site.edition)
        found = await self._find(draft.key) if draft.tried else None
        reference = self._reference(found or await self._site.create(wanted))
        await self._read_back(reference, wanted["fields"], desk)
        await self._links.mends(reference, draft.incident)
        if desk.hides_plan:
            await self._notes.write(reference, _told(draft))
        return reference

    async def _read_back(self, reference: Reference, sent: Tree, desk: Desk) -> None:
        issue = await self._rest.issue(reference.id, fields=",".join(sent), properties=CHANGE)
        if names := lost(sent, issue, desk):
            raise Rejected(
                f"Jira made the change {reference.label} and did not keep {', '.join(names)}: an automation rule may "
                "have set it, or the field is hidden from the request type; mend it on the change, or let the hub's "
                "account set it"
            )

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
        return await self._conflicts.of(reference)

    async def blame(self, incident: Reference, change: Reference) -> None:
        await self._links.causes(change, incident)


def _marked(issues: Sequence[Tree], key: str) -> Tree | None:
    for issue in issues:
        mark = (issue.get("properties") or {}).get(CHANGE)
        if isinstance(mark, dict) and mark.get("key") == key:
            return issue
    return None


def _probe(kind: ChangeType) -> ChangeDraft:
    """A draft that leaves nothing out which the hub always has."""
    words = dict.fromkeys(("implementation_plan", "backout_plan", "test_plan", "justification"), "-")
    times = dict.fromkeys(("planned_start", "planned_end"), datetime.now(UTC))
    return ChangeDraft.model_validate(
        {"key": "-", "type": kind, "short_description": "-", "risk": "low", **words, **times}
    )


def _told(draft: ChangeDraft) -> Note:
    """The plan where approvers see it who see no description: as a comment to all who see the request."""
    parts = [f"{name}\n{words}" if name else words for name, words in sections(draft)]
    return Note(key="change:plan", headline=title(draft), body="\n\n".join(parts), public=True, tried=draft.tried)
