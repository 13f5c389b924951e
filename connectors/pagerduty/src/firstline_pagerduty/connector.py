"""PagerDuty: pages people, and holds the incidents that they were paged for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from firstline.connector import (
    Alarm,
    Announcement,
    Connector,
    Delivery,
    Finding,
    Note,
    Page,
    Pager,
    Registration,
    StateChange,
    Update,
    Window,
)
from firstline.errors import Rejected, Unavailable
from firstline.incident import Event, Incident, Reference
from firstline_pagerduty import check, note, poll, polled, record, registration, state, update
from firstline_pagerduty.pager import Events
from firstline_pagerduty.rest import Answer, Refused, Rest
from firstline_pagerduty.settings import PagerDutySettings
from firstline_pagerduty.signature import Verifier
from firstline_pagerduty.translate import translate

NOTE_KIND = "incident_note"


class PagerDutyConnector(Connector[PagerDutySettings], Pager):
    """One PagerDuty account, seen with one sign-in and one user's name."""

    name = "pagerduty"
    settings_model = PagerDutySettings
    acknowledges = True

    def __init__(self, connection: str, settings: PagerDutySettings) -> None:
        super().__init__(connection, settings)
        self._verifier = Verifier(secret.get_secret_value() for secret in settings.webhook_secrets)
        self._rest = Rest(settings, self.meter)
        self._includes: list[list[str]] = [["body", "external_references"], ["body"], []]
        self._events = Events(self._rest, settings, self.meter)

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return self._verifier.verify(headers, body)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        if delivery.polled:
            return polled.translate(delivery, self.settings.own_user_id)
        return (translate(delivery, self.settings.own_user_id),)

    async def poll(self, window: Window, page: str = "") -> Page:
        return await poll.poll(self._rest, self.settings, self.connection, window, page)

    async def connect(self, hook_url: str) -> Registration:
        return await registration.connect(self._rest, self.settings, hook_url)

    async def fetch(self, reference: Reference) -> Incident:
        answer = await self._whole(f"/incidents/{_id(reference)}")
        return record.read(self.connection, answer.content.get("incident") or {}, answer.at)

    async def write_note(self, reference: Reference, note_: Note) -> Reference:
        notes = f"/incidents/{_id(reference)}/notes"
        content = note.render(note_)
        written = (await self._rest.get(notes)).get("notes") or () if note_.tried else ()
        found = note.find(written, note_.key, self.settings.own_user_id)
        if found is None:
            answer = await self._rest.post(notes, {"note": {"content": content}})
        elif str(found.get("content")).rstrip() != content:
            answer = await self._rest.put(f"{notes}/{found['id']}", {"note": {"content": content}})
        else:
            answer = {"note": found}
        return self._written(reference, answer)

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await state.move(self._rest, _id(reference), change, self.settings.own_user_id)

    async def update(self, reference: Reference, update_: Update) -> None:
        await update.update(self._rest, _id(reference), update_)

    async def alarm(self, alarm: Alarm) -> None:
        await self._events.alarm(alarm)

    async def announce(self, announcement: Announcement) -> None:
        await self._events.announce(announcement)

    async def check(self) -> list[Finding]:
        return await check.check(self._rest, self.settings, self.connection)

    async def aclose(self) -> None:
        await self._rest.aclose()
        await self._events.aclose()

    async def _whole(self, path: str) -> Answer:
        """With what the monitoring said and the tickets in other systems. The schema's text gives `include[]=body` and
        its list of values lacks it, and `external_references` is in neither; so a refusal of them is no refusal of the
        incident: less is asked for from then on."""
        while True:
            include = self._includes[0]
            try:
                return await self._rest.read(path, **({"include__": include} if include else {}))
            except Refused as refusal:
                if refusal.status != 400 or not include:
                    raise
                if include is self._includes[0]:  # else another call has learnt it meanwhile
                    self._includes.pop(0)

    def _written(self, reference: Reference, answer: Mapping[str, Any]) -> Reference:
        """The note's reference. An answer without one leaves open whether it was written: it is looked for."""
        written = answer.get("note")
        if not isinstance(written, dict) or not written.get("id"):
            raise Unavailable(f"PagerDuty's answer names no note on incident {reference.label}")
        return Reference(connection=self.connection, kind=NOTE_KIND, id=str(written["id"]), url=reference.url)


def _id(reference: Reference) -> str:
    """The id as it may stand in a path."""
    if not re.fullmatch(record.ID, reference.id):
        raise Rejected(f"{reference.id!r} is no PagerDuty id: those are letters, digits, _ and -")
    return reference.id
