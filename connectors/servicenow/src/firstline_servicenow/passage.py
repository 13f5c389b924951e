"""Brings a change request from one state to another, each step compared with the answer to it, and the end read from
the instance.

What a change looked like when we last read or wrote it is remembered for a few minutes, as the point a move starts
from. It is never trusted for more."""

from collections.abc import Mapping
from typing import Any

from firstline.connector import ChangeState, Evidence
from firstline.errors import Rejected
from firstline_servicenow import draft as drafting
from firstline_servicenow.change import ChangeApi, Offer
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.lifecycle import VALUES, Lifecycle
from firstline_servicenow.memory import Memory
from firstline_servicenow.record import Record, shown, value
from firstline_servicenow.settings import ServiceNowSettings


class Passage:
    def __init__(
        self,
        settings: ServiceNowSettings,
        api: ChangeApi,
        lifecycle: Lifecycle,
        dictionary: Dictionary,
        seen: Memory[dict[str, Any]],
    ) -> None:
        self._dictionary = dictionary
        self._settings = settings
        self._api = api
        self._lifecycle = lifecycle
        self._seen = seen

    async def move(self, sys_id: str, to: ChangeState, evidence: Evidence) -> None:
        change = await self._start(sys_id, to)
        if self._lifecycle.state(change) == to:
            return
        told = drafting.telling(to, evidence, self._settings)
        _demand_running(change)
        self._seen.drop(sys_id)
        refusal = await self._walk(sys_id, change, self._lifecycle.way(change, to), told)
        change = await self.read(sys_id)
        if self._lifecycle.state(change) != to:
            change = await self._detour(sys_id, change, to, told, refusal)
        drafting.demand(change, told)

    async def request(self, sys_id: str, evidence: Evidence) -> None:
        """Into the state in which the approvers are asked. Who they are is the instance's own policy."""
        change = await self.read(sys_id)
        if value(change, "type") == "standard" or self._asked(change):
            return
        if self._lifecycle.state(change) != "new":
            raise Rejected(f"{where(change)}, where nobody is asked for approval any more; it was never asked for")
        told = drafting.noting(evidence)
        usual, *_ = self._lifecycle.asking(change)
        refusal = await self._walk(sys_id, change, (VALUES[usual],), told)
        change = await self.read(sys_id)
        if not self._asked(change):
            await self._ask_elsewhere(sys_id, change, told, refusal)

    async def read(self, sys_id: str) -> dict[str, Any]:
        return self._seen.keep(sys_id, await self._api.read(sys_id))

    def _asked(self, change: Record) -> bool:
        asked = value(change, "approval") in ("requested", "approved", "rejected")
        return asked or self._lifecycle.pending(change)

    async def _ask_elsewhere(
        self, sys_id: str, change: Record, told: Mapping[str, str], refusal: Rejected | None
    ) -> None:
        """The change model asks in another state than the base system."""
        offer = await self._api.offered(sys_id)
        for state in self._lifecycle.asking(change):
            step = self._lifecycle.ahead(offer.beyond(change), self._lifecycle.state(change), state)
            if self._lifecycle.meaning(step) != state:
                continue
            refusal = await self._walk(sys_id, change, (step,), told) or refusal
            change = await self.read(sys_id)
            if self._asked(change):
                return
        raise refusal or self._no_way(change, offer, "assess or authorize, where approval is asked for")

    async def _start(self, sys_id: str, to: ChangeState) -> dict[str, Any]:
        """Where a move begins. What decides that nothing is written, or hangs on somebody's approval, is read anew."""
        seen = self._seen.get(sys_id)
        if seen is None or value(seen, "type") != "standard" or self._lifecycle.state(seen) == to:
            return await self.read(sys_id)
        return await self.read(sys_id) if self._lifecycle.pending(seen) or _held(seen) else seen

    async def _walk(
        self, sys_id: str, change: Record, way: tuple[str, ...], told: Mapping[str, str]
    ) -> Rejected | None:
        """Write the states one after the other until one does not take. The evidence goes with the last. A transition
        that the model lacks is answered well by some instances and refused by others: the refusal is returned."""
        for step in way:
            if self._lifecycle.awaits(change, step):
                raise Rejected(f"{where(change)} and waits for approval ({shown(change, 'approval')})")
            entering = drafting.entering(self._lifecycle.meaning(step), self._settings)
            fields = {"state": step, **entering, **(told if step == way[-1] else {})}
            try:
                change = await self._api.update(sys_id, fields)
            except Rejected as refusal:
                return await self._explained(refusal, change, step, fields)
            if value(change, "state") != step:
                return None
        return None

    async def _detour(
        self, sys_id: str, change: Record, to: ChangeState, told: Mapping[str, str], refusal: Rejected | None
    ) -> dict[str, Any]:
        """The usual way did not lead there. Follow what the instance offers as long as that comes nearer."""
        tried: set[str] = set()
        while True:
            offer = await self._api.offered(sys_id)
            step = self._lifecycle.ahead(offer.beyond(change) - tried, self._lifecycle.state(change), to)
            if not step:
                raise refusal or self._stuck(change, offer, to)
            tried.add(step)
            last = self._lifecycle.meaning(step) == to
            refusal = await self._walk(sys_id, change, (step,), told if last else {}) or refusal
            change = await self.read(sys_id)
            if self._lifecycle.state(change) == to:
                return change

    async def _explained(self, refusal: Rejected, change: Record, step: str, fields: Mapping[str, str]) -> Rejected:
        state = self._lifecycle.meaning(step) or step
        mend = f"`change_fields.{state}` of the connection"
        return await self._dictionary.explained(refusal, "change_request", change, fields, mend)

    def _stuck(self, change: Record, offer: Offer, to: ChangeState) -> Rejected:
        if self._lifecycle.pending(change):
            return Rejected(
                f"{where(change)} and waits for approval ({shown(change, 'approval')}); {offer.told(change)}"
            )
        return self._no_way(change, offer, to)

    def _no_way(self, change: Record, offer: Offer, to: str) -> Rejected:
        return Rejected(
            f"{where(change)}; ServiceNow offers no way to {to}. {offer.told(change)}. "
            "Likely: the change model, a missing approval, or an open task"
        )


def where(change: Record) -> str:
    return f"{value(change, 'number')} is in {shown(change, 'state')}"


def _held(change: Record) -> bool:
    return value(change, "on_hold") == "true"


def _demand_running(change: Record) -> None:
    if _held(change):
        why = value(change, "on_hold_reason")
        raise Rejected(f"{where(change)} and on hold{': ' + why if why else ''}. Take it off hold first")
