"""Change requests: find or create, approval, moves, conflicts.

What a change looked like when we last read or wrote it is remembered for a few minutes, as the point a move starts
from. It is never trusted for more: each step is compared with the answer to it, and the end is read from the instance.
"""

from typing import Any

import httpx

from firstline.connector import Approval, ChangeDraft, ChangeState, Conflict, Evidence
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_servicenow import draft as drafting
from firstline_servicenow import lifecycle, query
from firstline_servicenow.change import ChangeApi
from firstline_servicenow.lookup import Lookup
from firstline_servicenow.memory import Memory
from firstline_servicenow.record import Record, shown, value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table
from firstline_servicenow.translate import reference

KIND = "change_request"
CONFLICTS = 50  # more than anybody reads


class Register:
    def __init__(self, connection: str, settings: ServiceNowSettings, table: Table, http: httpx.AsyncClient) -> None:
        self._connection = connection
        self._base_url = settings.base_url
        self._table = table
        self._api = ChangeApi(http)
        self._lookup = Lookup(table, settings.standard_templates)
        self._seen: Memory[dict[str, Any]] = Memory()

    async def open(self, draft: ChangeDraft) -> Reference:
        found = await self._find(draft.key) if draft.tried else None
        change = found or await self._create(draft)
        opened = self._reference(change)
        if draft.incident is not None and draft.incident.connection == self._connection:
            await self._link(draft.incident, opened)
        return opened

    async def approval(self, sys_id: str) -> Approval:
        change = await self._read(sys_id)
        stands = lifecycle.approval(change)
        if value(change, "type") == "standard" or stands.state in ("waiting", "not_required"):
            return stands
        return await self._signed(sys_id, stands)

    async def move(self, sys_id: str, to: ChangeState, evidence: Evidence) -> None:
        target = lifecycle.VALUES[to]
        change = await self._start(sys_id, target)
        if value(change, "state") == target:
            return
        way = lifecycle.way(value(change, "type"), value(change, "state"), target)
        told = drafting.closing(evidence) if to == "closed" else drafting.noting(evidence)
        self._seen.drop(sys_id)
        refusal = await self._walk(sys_id, change, way, told)
        change = await self._read(sys_id)
        if value(change, "state") != target:
            change = await self._detour(sys_id, change, target, told, refusal)
        self._seen.keep(sys_id, change)

    async def conflicts(self, sys_id: str) -> list[Conflict]:
        change = self._seen.get(sys_id) or await self._read(sys_id)
        ci, start, end = (value(change, name) for name in ("cmdb_ci", "start_date", "end_date"))
        if not (ci and start and end):
            return []
        where = query.where(
            ("cmdb_ci", "=", ci),
            ("sys_id", "!=", sys_id),
            ("state", "IN", f"{lifecycle.SCHEDULED},{lifecycle.IMPLEMENT}"),
            ("start_date", "<", end),
            ("end_date", ">", start),
        )
        fields = ("sys_id", "number", "short_description", "state", "start_date", "end_date")
        found = await self._table.find(KIND, where, fields, CONFLICTS)
        return [self._conflict(row) for row in found.rows]

    async def _find(self, key: str) -> dict[str, Any] | None:
        where = query.where(("correlation_id", "=", key))
        found = await self._table.find(KIND, where, ("sys_id", "number", "correlation_id"), 10)
        if found.hidden:
            raise Rejected(f"the change with correlation_id {key} is there, and the account may not read it")
        return next((row for row in found.rows if value(row, "correlation_id") == key), None)

    async def _create(self, draft: ChangeDraft) -> dict[str, Any]:
        query.where(("correlation_id", "=", draft.key))  # what can't be asked for could not be found again
        template = await self._lookup.template(draft.template) if draft.type == "standard" else ""
        ci, group = await self._lookup.ci(draft.ci), await self._lookup.group(draft.group)
        gaps = tuple(named.gap for named in (ci, group) if named.gap)
        change = await self._api.create(draft.type, template, drafting.fields(draft, ci.sys_id, group.sys_id, gaps))
        if value(change, "correlation_id") != draft.key:
            raise Rejected(
                f"ServiceNow made {value(change, 'number')} and left out correlation_id, so it could not be found "
                "again: let the account write change_request.correlation_id"
            )
        return self._seen.keep(value(change, "sys_id"), change)

    async def _link(self, incident: Reference, change: Reference) -> None:
        """`incident.rfc` is the change that mends it. A change that can't be linked still covers the work."""
        if incident.kind != "incident":
            return
        try:
            row = await self._table.update("incident", incident.id, {"rfc": change.id}, ("sys_id", "rfc"))
            missing = "" if value(row, "rfc") == change.id else "the field rfc was left as it was"
        except Rejected as error:
            missing = str(error)
        if missing:
            note = f"This change mends {incident.label}, which could not be linked to it: {missing}"
            await self._table.update(KIND, change.id, {"work_notes": note})

    async def _start(self, sys_id: str, target: str) -> dict[str, Any]:
        """Where a move begins. What decides that nothing is written, or that somebody has yet to approve, is read
        anew."""
        seen = self._seen.get(sys_id)
        if seen is None or value(seen, "state") == target or lifecycle.pending(seen):
            return await self._read(sys_id)
        return seen

    async def _walk(self, sys_id: str, change: Record, way: tuple[str, ...], told: dict[str, str]) -> Rejected | None:
        """Write the states one after the other until one does not take. The evidence goes with the last. A transition
        that the model lacks is answered well by some instances and refused by others: the refusal is returned."""
        for step in way:
            if lifecycle.awaits(change, step):
                raise Rejected(f"{self._where(change)} and waits for approval ({shown(change, 'approval')})")
            try:
                change = await self._api.update(sys_id, {"state": step, **(told if step == way[-1] else {})})
            except Rejected as refusal:
                return refusal
            if value(change, "state") != step:
                return None
        return None

    async def _detour(
        self, sys_id: str, change: Record, target: str, told: dict[str, str], refusal: Rejected | None
    ) -> dict[str, Any]:
        """The usual way did not lead there. Follow what the instance offers as long as that comes nearer."""
        tried: set[str] = set()
        while True:
            offered = await self._api.offered(sys_id)
            step = lifecycle.ahead(offered.keys() - tried, value(change, "state"), target)
            if not step:
                raise refusal or self._no_way(change, offered, target)
            tried.add(step)
            refusal = await self._walk(sys_id, change, (step,), told if step == target else {}) or refusal
            change = await self._read(sys_id)
            if value(change, "state") == target:
                return change

    async def _signed(self, sys_id: str, stands: Approval) -> Approval:
        wanted = "approved" if stands.state == "approved" else "rejected"
        where = query.where(("sysapproval", "=", sys_id), ("state", "=", wanted))
        found = await self._table.find("sysapproval_approver", where, ("approver", "comments"), 20)
        names = dict.fromkeys(shown(row, "approver") for row in found.rows)
        comment = next((text for row in found.rows if (text := shown(row, "comments"))), "")
        return stands.model_copy(update={"by": tuple(names), "comment": comment})

    async def _read(self, sys_id: str) -> dict[str, Any]:
        return self._seen.keep(sys_id, await self._api.read(sys_id))

    def _no_way(self, change: Record, offered: dict[str, str], target: str) -> Rejected:
        now = value(change, "state")
        names = [label for state, label in offered.items() if state != now]
        wanted = next(name for name, state in lifecycle.VALUES.items() if state == target)
        return Rejected(
            f"{self._where(change)}; ServiceNow offers no way to {wanted}. "
            f"Offered: {', '.join(names) or 'nothing'}. Likely: the change model, a missing approval, or an open task"
        )

    def _where(self, change: Record) -> str:
        return f"{value(change, 'number')} is in {shown(change, 'state')}"

    def _reference(self, change: Record) -> Reference:
        return reference(self._connection, KIND, query.sys_id(value(change, "sys_id")), change, self._base_url)

    def _conflict(self, row: Record) -> Conflict:
        title = value(row, "short_description")[:160]
        times = f"{value(row, 'start_date')} to {value(row, 'end_date')} UTC"
        what = f"{value(row, 'number')} ({shown(row, 'state')}, {times}): {title}"
        return Conflict(kind="change", what=what, url=self._reference(row).url)
