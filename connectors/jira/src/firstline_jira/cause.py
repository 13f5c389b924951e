"""Links between a change and the incidents here: which one it mends, and which ones it caused. Each is read back."""

from collections.abc import Mapping
from typing import Any

from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_jira.issue import ISSUE
from firstline_jira.marker import issue_id
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
from firstline_jira.site import Site

SIDES = ("inwardIssue", "outwardIssue")

Tree = dict[str, Any]


class Links:
    def __init__(self, connection: str, settings: ChangeSettings, rest: Rest, site: Site) -> None:
        self._connection = connection
        self._settings = settings
        self._rest = rest
        self._site = site

    async def mends(self, change: Reference, incident: Reference | None) -> None:
        """Nothing is linked where the incident is elsewhere, or the settings want no link."""
        kind = self._settings.link_type
        if incident and kind and self._is_here(incident):
            await self._link(kind, incident.id, change.id)

    async def causes(self, change: Reference, incident: Reference) -> None:
        """By a link type that has the words for it; which of its ends is which, its words say."""
        if not self._is_here(incident) or change.connection != self._connection:
            raise Rejected(f"{incident.label} and {change.label} are not both here, so that no link can join them")
        kind = await self._kind()
        ends = (issue_id(change), issue_id(incident))
        inward, outward = ends if "caused" not in str(kind.get("outward", "")).casefold() else ends[::-1]
        await self._link(str(kind.get("name")), inward, outward)

    def _is_here(self, incident: Reference) -> bool:
        return incident.connection == self._connection and incident.kind == ISSUE and incident.id.isdigit()

    async def _kind(self) -> Tree:
        wanted = self._settings.caused_by
        found = await self._site.link_types()
        kind = next((one for one in found if str(one.get("name")).casefold() == wanted.casefold()), None)
        if kind is None:
            names = ", ".join(str(one.get("name")) for one in found) or "none"
            raise Rejected(f"Jira has no link type {wanted!r}, which change.caused_by names; it has: {names}")
        return kind

    async def _link(self, kind: str, inward: str, outward: str) -> None:
        if await self._is_linked(kind, inward, outward):
            return
        await self._site.link(kind, inward, outward)
        if not await self._is_linked(kind, inward, outward):
            raise Rejected(
                f"Jira accepted a link {kind!r} and made none: is linking switched on, and does the account have Link "
                "issues in both projects?"
            )

    async def _is_linked(self, kind: str, inward: str, outward: str) -> bool:
        found = (await self._rest.issue(inward, fields="issuelinks"))["fields"].get("issuelinks") or []
        return any(
            _type(link) == kind.casefold() and str((link.get(SIDES[1]) or {}).get("id")) == outward for link in found
        )


def _type(link: Mapping[str, Any]) -> str:
    return str((link.get("type") or {}).get("name")).casefold()
