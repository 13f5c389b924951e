"""Change requests: find or create, where they stand, moves, conflicts."""

from typing import Any

import httpx

from firstline.connector import ChangeDraft, ChangeState, Conflict, Evidence, Standing
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline_servicenow import draft as drafting
from firstline_servicenow import query
from firstline_servicenow.approval import Approvals
from firstline_servicenow.blackout import Blackouts
from firstline_servicenow.change import ChangeApi
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.lifecycle import NEW, Lifecycle
from firstline_servicenow.lookup import Lookup
from firstline_servicenow.memory import Memory
from firstline_servicenow.passage import Passage
from firstline_servicenow.proposal import Proposals
from firstline_servicenow.record import Record, moment, shown, value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.state import confirm
from firstline_servicenow.table import Table
from firstline_servicenow.translate import reference

KIND = "change_request"
CONFLICTS = 50  # more than anybody reads


class Register:
    def __init__(
        self,
        connection: str,
        settings: ServiceNowSettings,
        table: Table,
        http: httpx.AsyncClient,
        dictionary: Dictionary,
    ) -> None:
        self._settings = settings
        self._dictionary = dictionary
        self._connection = connection
        self._base_url = settings.base_url
        self._table = table
        self._api = ChangeApi(http)
        self._lookup = Lookup(table, settings.standard_templates)
        self.blackouts = Blackouts(connection, settings, table)
        self.proposals = Proposals(connection, settings, table, self._lookup)
        self._seen: Memory[dict[str, Any]] = Memory()
        self._lifecycle = Lifecycle(settings.change_states)
        self._approvals = Approvals(table, self._lifecycle)
        self._passage = Passage(settings, self._api, self._lifecycle, dictionary, self._seen)

    async def open(self, draft: ChangeDraft) -> Reference:
        found = await self._find(draft.key) if draft.tried else None
        change = await self._completed(found, draft) if found else await self._create(draft)
        opened = self._reference(change)
        if draft.incident is not None and draft.incident.connection == self._connection:
            await self._link(draft.incident, opened)
        return opened

    async def standing(self, sys_id: str) -> Standing:
        """One that is on hold stands in no state: nothing may run in it."""
        change = await self._passage.read(sys_id)
        held = value(change, "on_hold") == "true"
        return Standing(
            state=None if held else self._lifecycle.state(change),
            approval=await self._approvals.of(sys_id, change),
            planned_start=moment(change, "start_date"),
            planned_end=moment(change, "end_date"),
        )

    async def request(self, sys_id: str, evidence: Evidence) -> None:
        await self._passage.request(sys_id, evidence)

    async def move(self, sys_id: str, to: ChangeState, evidence: Evidence) -> None:
        await self._passage.move(sys_id, to, evidence)

    async def conflicts(self, sys_id: str) -> list[Conflict]:
        """What our own query finds now, and what the instance's detector last found."""
        change = await self._passage.read(sys_id)
        ci, start, end = (value(change, name) for name in ("cmdb_ci", "start_date", "end_date"))
        planned = await self._planned(sys_id, ci, start, end) if ci and start and end else []
        known = {value(row, "sys_id") for row in planned}
        detected = await self._detected(sys_id) if self._settings.collision_detector else []
        found = [row for row in detected if value(row, "conflicting_change") not in known]
        return [self._conflict(row) for row in planned] + [self._found(row) for row in found]

    async def blame(self, incident: Reference, change: Reference) -> None:
        """`incident.caused_by` is the change that caused it."""
        if incident.kind != "incident" or change.kind != KIND or incident.connection != change.connection:
            raise Rejected(
                f"{incident.label} can't name {change.label} as its cause: only an incident of this instance"
            )
        wanted, fields = {"caused_by": query.sys_id(change.id)}, ("sys_id", "number", "caused_by")
        if value(await self._table.get("incident", incident.id, fields), "caused_by") != change.id:
            await self._table.update("incident", incident.id, wanted)
            confirm(await self._table.get("incident", incident.id, fields), wanted)

    async def _planned(self, sys_id: str, ci: str, start: str, end: str) -> list[dict[str, Any]]:
        where = query.where(
            ("cmdb_ci", "=", ci),
            ("sys_id", "!=", sys_id),
            ("state", "IN", ",".join(self._lifecycle.codes("scheduled", "implement"))),
            ("start_date", "<", end),
            ("end_date", ">", start),
        )
        fields = ("sys_id", "number", "short_description", "state", "start_date", "end_date")
        return (await self._table.find(KIND, where, fields, CONFLICTS)).rows

    async def _detected(self, sys_id: str) -> list[dict[str, Any]]:
        fields = ("type", "conflicting_change", "schedule", "configuration_item", "sys_created_on")
        where = query.where(("change", "=", sys_id))
        try:
            return (await self._table.find("conflict", where, fields, CONFLICTS)).rows
        except Rejected as refusal:
            raise Rejected(
                f"{refusal}. Let the account read conflict; or set `collision_detector` of the connection to false, "
                "where the instance has none"
            ) from refusal

    async def _find(self, key: str) -> dict[str, Any] | None:
        where = query.where(("correlation_id", "=", key))
        fields = ("sys_id", "number", "correlation_id", "state", "cmdb_ci", "start_date", "end_date")
        found = await self._table.find(KIND, where, fields, 10)
        if found.hidden:
            raise Rejected(f"the change with correlation_id {key} is there, and the account may not read it")
        return next((row for row in found.rows if value(row, "correlation_id") == key), None)

    async def _create(self, draft: ChangeDraft) -> dict[str, Any]:
        query.where(("correlation_id", "=", draft.key))  # what can't be asked for could not be found again
        template = await self._lookup.template(draft.template) if draft.type == "standard" else ""
        ci, group = await self._lookup.ci(draft.ci), await self._lookup.group(draft.group)
        gaps = tuple(named.gap for named in (ci, group) if named.gap)
        model = (
            {"chg_model": self._settings.change_models[draft.type]}
            if draft.type in self._settings.change_models
            else {}
        )
        entering = drafting.entering("new", self._settings)
        fields = {**drafting.fields(draft, ci.sys_id, group.sys_id, gaps), **model, **entering}
        try:
            change = await self._api.create(draft.type, template, fields)
        except Rejected as refusal:
            mend = "`change_fields.new` of the connection"
            raise await self._dictionary.explained(refusal, KIND, {"state": NEW}, fields, mend) from refusal
        if value(change, "correlation_id") != draft.key:
            raise Rejected(
                f"ServiceNow made {value(change, 'number')} and left out correlation_id, so it could not be found "
                "again: let the account write change_request.correlation_id"
            )
        return await self._held(change, drafting.held(draft, ci.sys_id) | model)

    async def _completed(self, change: dict[str, Any], draft: ChangeDraft) -> dict[str, Any]:
        """One that an earlier call opened: what that could not write is written now. What is there stays: it may be
        its manager's."""
        if self._lifecycle.state(change) != "new":
            return change
        wanted = drafting.held(draft, (await self._lookup.ci(draft.ci)).sys_id)
        lacking = {name: text for name, text in wanted.items() if not value(change, name)}
        return await self._held(change, lacking) if lacking else change

    async def _held(self, change: dict[str, Any], wanted: dict[str, str]) -> dict[str, Any]:
        """Write again what did not take, and raise `Rejected` if it does not then."""
        missing = {name: text for name, text in wanted.items() if value(change, name) != text}
        sys_id = query.sys_id(value(change, "sys_id"))
        if missing:
            change = await self._api.update(sys_id, missing)
            drafting.demand(change, missing)
        return self._seen.keep(sys_id, change)

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

    def _reference(self, change: Record) -> Reference:
        return reference(self._connection, KIND, query.sys_id(value(change, "sys_id")), change, self._base_url)

    def _conflict(self, row: Record) -> Conflict:
        title = value(row, "short_description")[:160]
        times = f"{value(row, 'start_date')} to {value(row, 'end_date')} UTC"
        what = f"{value(row, 'number')} ({shown(row, 'state')}, {times}): {title}"
        return Conflict(kind="change", what=what, url=self._reference(row).url)

    def _found(self, row: Record) -> Conflict:
        names = [shown(row, name) for name in ("conflicting_change", "schedule", "configuration_item")]
        what = f"{shown(row, 'type')}: {', '.join(name for name in names if name)}"
        return Conflict(kind=value(row, "type") or "conflict", what=f"{what}, found {value(row, 'sys_created_on')} UTC")
