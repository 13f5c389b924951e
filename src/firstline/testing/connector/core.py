"""The suite that every connector passes: webhooks, notes, states, errors, secrets. It speaks to the connector's sandbox
over real HTTP, and to small servers that answer every status."""

import json
from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from firstline.connector import (
    Connector,
    Delivery,
    Note,
    StateChange,
)
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.incident import IncidentState
from firstline.testing.connector.basis import STATUSES, Loopback, OnSandbox, always


class ConnectorContract(OnSandbox):
    """What the hub relies on, whatever the vendor."""

    @abstractmethod
    def notes(self, state: dict[str, Any]) -> list[str]:
        """The texts of that incident's notes, from what the sandbox's GET /sandbox/state answers."""

    @abstractmethod
    def passwords(self) -> list[str]:
        """The secrets in the connector's settings, to look for where they must not be."""

    @pytest.fixture
    def address(self, loopback: Loopback) -> str:
        return loopback(self.sandbox())

    # receiving

    def test_a_signed_webhook_is_let_in_with_a_key(self) -> None:
        headers, body = self.webhook()
        assert self.connector("http://127.0.0.1:9").verify(headers, body)

    def test_the_same_webhook_has_the_same_key(self) -> None:
        headers, body = self.webhook()
        connector = self.connector("http://127.0.0.1:9")
        assert connector.verify(headers, body) == connector.verify(headers, body)

    def test_a_webhook_with_a_changed_byte_is_refused(self) -> None:
        headers, body = self.webhook()
        with pytest.raises(Unauthorized):
            self.connector("http://127.0.0.1:9").verify(headers, body + b" ")

    def test_an_unsigned_webhook_is_refused(self) -> None:
        _, body = self.webhook()
        with pytest.raises(Unauthorized):
            self.connector("http://127.0.0.1:9").verify({}, body)

    def test_a_webhook_that_says_an_incident_was_opened_is_such_an_event(self) -> None:
        headers, body = self.webhook()
        (event,) = self.connector("http://127.0.0.1:9").translate(self._delivery(headers, body))
        assert event.type == "incident.opened"
        assert event.incident is not None
        assert event.reference == event.incident.reference
        assert event.incident.reference.connection == "contract"
        assert not event.own

    @pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"null", b"{}", b'{"event": 3}', b"\xff\xfe"])
    def test_a_signed_body_that_is_of_no_use_is_rejected_or_is_of_type_other(self, body: bytes) -> None:
        try:
            events = self.connector("http://127.0.0.1:9").translate(self._delivery({}, body))
        except Rejected:
            return
        assert all(event.type == "other" for event in events)

    def _delivery(self, headers: dict[str, str], body: bytes) -> Delivery:
        return Delivery(connection="contract", key="k", body=body, headers=headers, received_at=datetime.now(UTC))

    # reading and writing

    async def test_the_incident_is_fetched_with_its_reference(self, address: str) -> None:
        incident = await self._with(address, lambda c: c.fetch(self.incident()))
        assert incident.reference.id == self.incident().id
        assert incident.state == IncidentState.OPEN

    async def test_a_record_that_is_not_there_is_rejected(self, address: str) -> None:
        absent = self.incident().model_copy(update={"id": "0" * len(self.incident().id), "number": ""})
        with pytest.raises(Rejected):
            await self._with(address, lambda c: c.fetch(absent))

    @pytest.mark.parametrize("odd_id", ["../../admin", "a^ORactive=true", "x?y=z", ""])
    async def test_an_identifier_that_is_none_is_rejected_before_it_is_sent(self, address: str, odd_id: str) -> None:
        odd = self.incident().model_copy(update={"id": odd_id, "number": ""})
        with pytest.raises(Rejected):
            await self._with(address, lambda c: c.fetch(odd))

    async def test_the_same_note_is_written_once(self, address: str) -> None:
        note = Note(key="contract-1", headline="Mended by restart-web", body="It answers again.", output="a\nb\n")
        for _ in range(3):
            await self._write(address, note)
        notes = [text for text in await self._notes(address) if "Mended by restart-web" in text]
        assert len(notes) == 1
        assert "It answers again." in notes[0]

    async def test_notes_with_other_keys_are_other_notes(self, address: str) -> None:
        for key in ("contract-1", "contract-2"):
            note = Note(key=key, headline="Said twice on purpose")
            await self._write(address, note)
        assert len([text for text in await self._notes(address) if "Said twice on purpose" in text]) == 2

    async def test_a_note_longer_than_the_vendor_allows_is_cut_in_its_output(self, address: str) -> None:
        note = Note(
            key="long",
            headline="A long story",
            body="why it ran",
            output="first line\n" + "x" * 200_000 + "\nlast line",
        )
        await self._write(address, note)
        (text,) = [text for text in await self._notes(address) if "A long story" in text]
        assert len(text) < 100_000
        assert all(part in text for part in ("why it ran", "first line", "last line"))

    async def test_an_incident_is_resolved_and_reads_so(self, address: str) -> None:
        for _ in range(2):  # the second finds it done
            await self._with(
                address,
                lambda c: c.set_state(self.incident(), StateChange(to="resolved", reason="Restarted; it answers.")),
            )
        incident = await self._with(address, lambda c: c.fetch(self.incident()))
        assert incident.state in (IncidentState.RESOLVED, IncidentState.CLOSED)

    async def test_an_incident_is_acknowledged_and_reads_so(self, address: str) -> None:
        await self._with(address, lambda c: c.set_state(self.incident(), StateChange(to="acknowledged")))
        assert (await self._with(address, lambda c: c.fetch(self.incident()))).state == IncidentState.ACKNOWLEDGED

    # trouble

    @pytest.mark.parametrize(("status", "error"), STATUSES)
    async def test_each_status_becomes_the_error_that_says_what_happens_next(
        self, loopback: Loopback, status: int, error: type[FirstlineError]
    ) -> None:
        base_url = loopback(always(status, {"Retry-After": "7"}))
        note = Note(key="k", headline="h", tried=False)
        with pytest.raises(error) as caught:
            await self._with(base_url, lambda c: c.write_note(self.incident(), note))
        if status == 429:
            assert isinstance(caught.value, Unavailable)
            assert caught.value.retry_after == 7

    async def test_a_vendor_that_is_not_there_is_unavailable(self) -> None:
        with pytest.raises(Unavailable):
            await self._with("http://127.0.0.1:9", lambda c: c.fetch(self.incident()))

    async def test_a_page_where_json_should_be_is_unavailable(self, loopback: Loopback) -> None:
        base_url = loopback(always(200, {"Content-Type": "text/html"}, "<html>hibernating</html>"))
        with pytest.raises(Unavailable):
            await self._with(base_url, lambda c: c.fetch(self.incident()))

    async def test_no_error_shows_a_secret(self, loopback: Loopback) -> None:
        for status, _ in STATUSES:
            with pytest.raises(FirstlineError) as caught:
                await self._with(loopback(always(status)), lambda c: c.fetch(self.incident()))
            assert not any(secret in str(caught.value) for secret in self.passwords())

    def test_the_settings_show_no_secret(self) -> None:
        settings = self.connector("http://127.0.0.1:9").settings
        shown = repr(settings) + settings.model_dump_json()
        assert not any(secret in shown for secret in [*self.passwords(), self.secret])

    async def test_a_check_of_a_good_connection_finds_it_well(self, address: str) -> None:
        findings = await self._with(address, lambda c: c.check())
        assert findings
        assert all(finding.ok for finding in findings)

    async def test_a_check_of_a_dead_connection_is_a_finding_with_its_mend(self) -> None:
        findings = await self._with("http://127.0.0.1:9", lambda c: c.check())
        assert any(not finding.ok and finding.mend for finding in findings)

    async def _with(self, base_url: str, act: Callable[[Connector[Any]], Any]) -> Any:
        """Do one thing with a connector of its own: nothing may hang on what an earlier one remembered."""
        connector = self.connector(base_url)
        try:
            return await act(connector)
        finally:
            await connector.aclose()

    async def _write(self, address: str, note: Note) -> None:
        await self._with(address, lambda c: c.write_note(self.incident(), note))

    async def _notes(self, address: str) -> list[str]:
        import httpx

        async with httpx.AsyncClient(trust_env=False) as http:
            return self.notes(json.loads((await http.get(f"{address}/sandbox/state")).content))
