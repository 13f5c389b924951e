"""What else is planned on the item of a change.

Jira offers neither blackout windows nor its calendar's conflicts over REST; and search runs behind, so a change of the
last minutes may be missing."""

from collections.abc import Awaitable, Callable
from typing import Any

from firstline.connector import Conflict
from firstline.incident import Reference
from firstline_jira.draft import Desk
from firstline_jira.issue import named
from firstline_jira.lifecycle import Lifecycle
from firstline_jira.marker import issue_id
from firstline_jira.shape import moment
from firstline_jira.site import Site
from firstline_jira.standing import Look, Reader

Tree = dict[str, Any]


class Conflicts:
    def __init__(
        self,
        base_url: str,
        site: Site,
        lifecycle: Lifecycle,
        reader: Reader,
        desk: Callable[[], Awaitable[Desk]],
    ) -> None:
        self._base_url = base_url
        self._site = site
        self._lifecycle = lifecycle
        self._reader = reader
        self._desk = desk

    async def of(self, reference: Reference) -> list[Conflict]:
        """Other changes of the project that name the same item and are being implemented, or are planned for the same
        time."""
        mine = await self._reader.read(reference)
        ci = " ".join(str(mine.mark.get("ci") or "").replace("\\", " ").replace('"', " ").split())
        if not ci:
            return []
        desk = await self._desk()
        start, end = desk.field("planned_start"), desk.field("planned_end")
        others = await self._site.search(_jql(desk, ci), [f for f in ("summary", "status", start, end) if f], [])
        return [
            self._conflict(other)
            for other in others
            if issue_id(reference) not in (str(other.get("id")), other.get("key"))
            and self._collides(other, mine, start, end)
        ]

    def _collides(self, other: Tree, mine: Look, start: str, end: str) -> bool:
        fields = other.get("fields") or {}
        if self._lifecycle.state(fields.get("status")) == "implement":
            return True
        begin, finish = (moment(fields.get(field), field) if field else None for field in (start, end))
        if begin is None or finish is None or mine.planned_start is None or mine.planned_end is None:
            return False
        return begin < mine.planned_end and mine.planned_start < finish

    def _conflict(self, other: Tree) -> Conflict:
        fields = other.get("fields") or {}
        key = str(other.get("key", ""))
        what = f"{key} ({named(fields.get('status'), 'status')}): {fields.get('summary') or ''}"
        return Conflict(kind="change", what=what, url=f"{self._base_url}/browse/{key}")


def _jql(desk: Desk, ci: str) -> str:
    where = f'project = "{desk.project}" AND issuetype = {desk.issue_type} AND statusCategory != Done'
    return f'{where} AND text ~ "\\"{ci}\\"" ORDER BY key ASC'
