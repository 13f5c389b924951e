"""Reads a change: its status and the state that stands for, its type, its approval, its planned times."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from firstline.connector import Approval, ChangeState, ChangeType, Standing
from firstline.errors import Unavailable
from firstline.incident import Reference
from firstline_jira import approval
from firstline_jira.draft import Desk
from firstline_jira.issue import named
from firstline_jira.lifecycle import Lifecycle
from firstline_jira.marker import CHANGE, issue_id
from firstline_jira.rest import Rest
from firstline_jira.settings import ChangeSettings
from firstline_jira.shape import Misshapen, moment
from firstline_jira.site import Site

Tree = dict[str, Any]
Kind = ChangeType | None

_KINDS: tuple[ChangeType, ...] = get_args(ChangeType)


@dataclass(frozen=True)
class Look:
    """A change as it is now. `mark` is what we wrote on it when it was opened; empty on others' changes."""

    status: str
    state: ChangeState | None
    kind: Kind
    approval: Approval
    planned_start: datetime | None
    planned_end: datetime | None
    mark: Tree
    is_asked: bool  # or has answered already

    @property
    def standing(self) -> Standing:
        return Standing(
            state=self.state,
            approval=self.approval,
            planned_start=self.planned_start,
            planned_end=self.planned_end,
        )


class Reader:
    def __init__(
        self,
        settings: ChangeSettings,
        rest: Rest,
        site: Site,
        lifecycle: Lifecycle,
        desk: Callable[[], Awaitable[Desk]],
    ) -> None:
        self._settings = settings
        self._rest = rest
        self._site = site
        self._lifecycle = lifecycle
        self._desk = desk

    async def read(self, reference: Reference) -> Look:
        id = issue_id(reference)  # noqa: A001 - Jira's word
        try:
            return await self._read(id)
        except Misshapen as error:
            raise Unavailable(f"Jira's answer is not what it documents: {error}") from error

    async def _read(self, id: str) -> Look:  # noqa: A002
        desk = await self._desk()
        ids = {name: desk.field(name) for name in ("type", "planned_start", "planned_end")}
        wanted = ",".join(["status", *(field for field in ids.values() if field)])
        issue = await self._rest.issue(id, fields=wanted, properties=CHANGE)
        fields = {name: issue["fields"].get(field) for name, field in ids.items()}
        written = (issue.get("properties") or {}).get(CHANGE)
        mark: Tree = written if isinstance(written, dict) else {}
        status = issue["fields"].get("status")
        state, kind = self._lifecycle.state(status), self._kind(fields["type"], mark)
        found = await self._approval(id, desk, state, kind)
        asked = found.state in ("approved", "refused") or (found.state == "waiting" and state not in ("new", None))
        if kind == "emergency" and not asked and await self._asks_afterwards(id, state):
            found = Approval(state="waiting")
        return Look(
            status=named(status, "status"),
            state=state,
            kind=kind,
            approval=found,
            planned_start=_time(fields["planned_start"], ids["planned_start"], mark.get("start")),
            planned_end=_time(fields["planned_end"], ids["planned_end"], mark.get("end")),
            mark=mark,
            is_asked=asked,
        )

    async def _asks_afterwards(self, issue: str, state: ChangeState | None) -> bool:
        """Whether the workflow has a way to ask about what ran first."""
        if state not in ("implement", "review"):
            return False
        return any(self._lifecycle.asks(way) for way in await self._rest.transitions(issue))

    def _kind(self, field: Any, mark: Tree) -> Kind:
        """By the field Change type as it is now, since a change manager may have set it anew; else what we opened."""
        option = str((field.get("value") if isinstance(field, dict) else field) or "").casefold()
        names = {kind: self._settings.types.get(kind, kind).casefold() for kind in _KINDS}
        if option:
            return next((kind for kind, name in names.items() if name == option), None)
        return next((kind for kind in _KINDS if kind == mark.get("type")), None)

    async def _approval(self, issue: str, desk: Desk, state: ChangeState | None, kind: Kind) -> Approval:
        """Only customer requests have approvals; and one may have been moved on without any."""
        if not self._settings.issue_type:
            approvals = await self._site.approvals(issue)
            if approvals or not approval.has_passed(state, kind):
                return approval.of_request(approvals, state, kind)
        by_id = {str(status.get("id")): status for status in desk.statuses}
        histories = await self._site.histories(issue)
        return approval.of_issue(
            histories, lambda one, name: self._lifecycle.state(by_id.get(one) or {"name": name}), state, kind
        )


def _time(value: Any, field: str, marked: Any) -> datetime | None:
    """Of a site without such a field, what we planned: nobody can have moved it."""
    return moment(value if field else marked, field or "firstline.change")
