"""PagerDuty: pages people, and holds the incidents that they were paged for."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from firstline.connector import Connector, Delivery, Finding, Note, StateChange
from firstline.errors import Rejected, Unavailable
from firstline.incident import Event, Incident, Reference
from firstline_pagerduty import check, note, record, state
from firstline_pagerduty.rest import Refused, Rest
from firstline_pagerduty.settings import PagerDutySettings
from firstline_pagerduty.signature import Verifier
from firstline_pagerduty.translate import translate

NOTE_KIND = "incident_note"
NOT_FOUND = 2100  # "Errors", PagerDuty Error Codes


class PagerDutyConnector(Connector[PagerDutySettings]):
    """One PagerDuty account, seen with one REST API key and one user's name."""

    name = "pagerduty"
    settings_model = PagerDutySettings

    def __init__(self, connection: str, settings: PagerDutySettings) -> None:
        super().__init__(connection, settings)
        self._verifier = Verifier(secret.get_secret_value() for secret in settings.webhook_secrets)
        self._rest = Rest(settings)

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return self._verifier.verify(headers, body)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        return (translate(delivery, self.settings.own_user_id),)

    async def fetch(self, reference: Reference) -> Incident:
        """With what the reporter or the monitoring said. The schema's text gives `include[]=body` for that and its list
        of values lacks it, so a refusal of it is no refusal of the incident."""
        path = f"/incidents/{_id(reference)}"
        try:
            answer = await self._rest.get(path, include__="body")
        except Refused as refusal:
            if refusal.code == NOT_FOUND:
                raise
            answer = await self._rest.get(path)
        return record.incident(self.connection, answer.get("incident") or {})

    async def write_note(self, reference: Reference, note_: Note) -> Reference:
        notes = f"/incidents/{_id(reference)}/notes"
        content = note.render(note_)
        found = note.find((await self._rest.get(notes)).get("notes") or (), note_.key) if note_.tried else None
        if found is None:
            answer = await self._rest.post(notes, {"note": {"content": content}})
        elif str(found.get("content")).rstrip() != content:
            answer = await self._rest.put(f"{notes}/{found['id']}", {"note": {"content": content}})
        else:
            answer = {"note": found}
        return self._written(reference, answer)

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await state.move(self._rest, _id(reference), change, self.settings.own_user_id)

    async def check(self) -> list[Finding]:
        return await check.check(self._rest, self.settings)

    async def aclose(self) -> None:
        await self._rest.aclose()

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
