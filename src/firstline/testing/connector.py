"""The suite that every connector passes. Subclass it beside the connector, fill the abstract methods, and run pytest.

It speaks to the connector's sandbox over real HTTP, and to small servers that answer every status."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from firstline.connector import (
    Attachment,
    Attachments,
    ChangeDraft,
    ChangeRegister,
    Connector,
    Delivery,
    Evidence,
    Note,
    Page,
    StateChange,
    Window,
)
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.incident import OPENED, Event, IncidentState, Reference

Loopback = Callable[[Any], str]

STATUSES = [
    (400, Rejected),
    (401, Unauthorized),
    (403, Rejected),
    (404, Rejected),
    (409, Rejected),
    (429, Unavailable),
    (500, Unavailable),
    (502, Unavailable),
    (503, Unavailable),
    (504, Unavailable),
]


class ConnectorContract(ABC):
    """What the hub relies on, whatever the vendor."""

    pytestmark = pytest.mark.anyio

    secret = "the-webhook-secret"  # noqa: S105 - nobody's

    @abstractmethod
    def connector(self, base_url: str) -> Connector[Any]:
        """A connector for the address, with `self.secret` as its webhook secret and some API password in it."""

    @abstractmethod
    def sandbox(self) -> Any:
        """The sandbox's ASGI application, with an incident in it."""

    @abstractmethod
    def incident(self) -> Reference:
        """The reference of that open incident, of connection `contract`."""

    @abstractmethod
    def notes(self, state: dict[str, Any]) -> list[str]:
        """The texts of that incident's notes, from what the sandbox's GET /sandbox/state answers."""

    @abstractmethod
    def webhook(self) -> tuple[dict[str, str], bytes]:
        """Headers (in lower case) and body of a webhook that says the incident was opened, signed with
        `self.secret`."""

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
        base_url = loopback(_always(status, {"Retry-After": "7"}))
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
        base_url = loopback(_always(200, {"Content-Type": "text/html"}, "<html>hibernating</html>"))
        with pytest.raises(Unavailable):
            await self._with(base_url, lambda c: c.fetch(self.incident()))

    async def test_no_error_shows_a_secret(self, loopback: Loopback) -> None:
        for status, _ in STATUSES:
            with pytest.raises(FirstlineError) as caught:
                await self._with(loopback(_always(status)), lambda c: c.fetch(self.incident()))
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


class ChangeRegisterContract(ABC):
    """For connectors that keep changes. Mix it in beside `ConnectorContract`."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def register(self, base_url: str) -> ChangeRegister:
        """As `ConnectorContract.connector`."""

    @abstractmethod
    def sandbox(self) -> Any: ...

    @abstractmethod
    def draft(self) -> ChangeDraft:
        """A standard change, or what comes nearest, that needs nobody's approval."""

    @pytest.fixture
    async def kept(self, loopback: Loopback) -> AsyncIterator[ChangeRegister]:
        register = self.register(loopback(self.sandbox()))
        yield register
        if isinstance(register, Connector):
            await register.aclose()

    async def test_the_same_draft_opens_one_change(self, kept: ChangeRegister) -> None:
        references = [await kept.open(self.draft()) for _ in range(2)]
        assert references[0].id == references[1].id

    async def test_another_key_opens_another_change(self, kept: ChangeRegister) -> None:
        first = await kept.open(self.draft())
        second = await kept.open(self.draft().model_copy(update={"key": "another-key"}))
        assert first.id != second.id

    async def test_a_change_goes_to_implement_and_closes_with_its_result(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.draft())
        now = datetime.now(UTC)
        done = Evidence(notes="It answers again.", result="successful", work_start=now, work_end=now)
        for _ in range(2):  # the second finds it there
            await kept.move(change, "implement", Evidence())
        for _ in range(2):
            await kept.move(change, "closed", done)
        assert (await kept.approval(change)).state in ("not_required", "approved")

    async def test_a_closed_change_does_not_go_back_to_implement(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.draft())
        await kept.move(change, "implement", Evidence())
        await kept.move(change, "closed", Evidence(notes="n", result="unsuccessful"))
        with pytest.raises(Rejected):
            await kept.move(change, "implement", Evidence())


class PollContract(ABC):
    """For connectors that can be polled. Mix it in beside `ConnectorContract`, whose methods these are."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def connector(self, base_url: str) -> Connector[Any]: ...

    @abstractmethod
    def sandbox(self) -> Any: ...

    @abstractmethod
    def incident(self) -> Reference: ...

    @abstractmethod
    def webhook(self) -> tuple[dict[str, str], bytes]: ...

    def since(self) -> datetime:
        """Before the sandbox's incident was opened."""
        return datetime.now(UTC) - timedelta(days=1)

    def is_of_the_incident(self) -> bool:
        """True when `webhook` tells of the very incident in the sandbox, so that a poll must give the same event."""
        return True

    @pytest.fixture
    async def polled(self, loopback: Loopback) -> AsyncIterator[Connector[Any]]:
        connector = self.connector(loopback(self.sandbox()))
        yield connector
        await connector.aclose()

    @pytest.mark.parametrize("by", ["changed", "opened"])
    async def test_a_poll_tells_once_that_the_incident_was_opened(self, polled: Connector[Any], by: Any) -> None:
        events = _events(polled, await _pages(polled, Window(since=self.since(), by=by)))
        opened = [event for event in events if event.type == OPENED and self._about(event)]
        assert len(opened) == 1
        assert opened[0].incident is not None
        assert not opened[0].own

    async def test_a_poll_and_a_webhook_name_an_opening_alike(self, polled: Connector[Any]) -> None:
        headers, body = self.webhook()
        delivery = Delivery(connection="contract", key="k", body=body, headers=headers, received_at=datetime.now(UTC))
        (pushed,) = polled.translate(delivery)
        events = _events(polled, await _pages(polled, Window(since=self.since())))
        opened = {event.id for event in events if event.type == OPENED and self._about(event)}
        assert (pushed.id in opened) == self.is_of_the_incident()

    async def test_what_is_polled_again_is_known_by_its_key(self, polled: Connector[Any]) -> None:
        pages = [await _pages(polled, Window(since=self.since())) for _ in range(2)]
        first, again = ([delivery for page in walk for delivery in page.deliveries] for walk in pages)
        assert all(delivery.polled and delivery.connection == "contract" for delivery in first)
        keys = [delivery.key for delivery in first]
        assert len(set(keys)) == len(keys) > 0
        assert keys == [delivery.key for delivery in again]

    async def test_the_last_page_says_how_far_all_is_brought(self, polled: Connector[Any]) -> None:
        pages = await _pages(polled, Window(since=self.since()))
        assert pages[-1].complete_to is not None
        assert self.since() < pages[-1].complete_to < datetime.now(UTC) + timedelta(seconds=60)

    async def test_a_window_before_the_incident_brings_nothing_of_it(self, polled: Connector[Any]) -> None:
        window = Window(since=self.since() - timedelta(days=1), until=self.since(), by="opened")
        events = _events(polled, await _pages(polled, window))
        assert not any(self._about(event) for event in events)

    @pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Rejected), (503, Unavailable)])
    async def test_a_poll_that_is_refused_says_what_happens_next(
        self, loopback: Loopback, status: int, error: type[FirstlineError]
    ) -> None:
        connector = self.connector(loopback(_always(status)))
        try:
            with pytest.raises(error):
                await connector.poll(Window(since=self.since()))
        finally:
            await connector.aclose()

    def _about(self, event: Event) -> bool:
        return event.reference is not None and event.reference.id == self.incident().id


class MeterContract(ABC):
    """For connectors that count their requests. Mix it in beside `ConnectorContract`."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def connector(self, base_url: str) -> Connector[Any]: ...

    @abstractmethod
    def sandbox(self) -> Any: ...

    @abstractmethod
    def incident(self) -> Reference: ...

    async def test_each_request_is_counted_however_it_ends(self, loopback: Loopback) -> None:
        counted = _Counting(self.sandbox())
        connector = self.connector(loopback(counted))
        try:
            await connector.check()
            await connector.fetch(self.incident())
            await connector.write_note(self.incident(), Note(key="metered", headline="Counted"))
            await connector.set_state(self.incident(), StateChange(to="resolved", reason="Counted"))
            with pytest.raises(Rejected):
                await connector.fetch(self.incident().model_copy(update={"id": "0" * len(self.incident().id)}))
        finally:
            await connector.aclose()
        assert connector.meter.take()[0] == counted.requests > 0

    async def test_a_request_that_nobody_hears_is_counted_too(self) -> None:
        connector = self.connector("http://127.0.0.1:9")
        try:
            with pytest.raises(Unavailable):
                await connector.fetch(self.incident())
        finally:
            await connector.aclose()
        assert connector.meter.take()[0] > 0


class RegistrationContract(ABC):
    """For connectors that make their webhook, or say how people make it. Mix it in beside `ConnectorContract`."""

    pytestmark = pytest.mark.anyio

    hook_url = "https://firstline.example/hooks/contract"

    @abstractmethod
    def connector(self, base_url: str) -> Connector[Any]: ...

    @abstractmethod
    def sandbox(self) -> Any: ...

    async def test_a_webhook_is_made_once_or_said_how_to_make(self, loopback: Loopback) -> None:
        connector = self.connector(loopback(self.sandbox()))
        try:
            first, second = [await connector.connect(self.hook_url) for _ in range(2)]
        finally:
            await connector.aclose()
        if first.state == "manual":
            assert self.hook_url in first.instructions
            assert second == first
        else:
            assert first.state == "made"
            assert second.state in ("renewed", "unchanged")
            assert second.id == first.id != ""


class AttachmentsContract(ABC):
    """For connectors that put files on records. Mix it in beside `ConnectorContract`."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def connector(self, base_url: str) -> Connector[Any]: ...

    @abstractmethod
    def sandbox(self) -> Any: ...

    @abstractmethod
    def incident(self) -> Reference: ...

    @pytest.fixture
    async def shelf(self, loopback: Loopback) -> AsyncIterator[Attachments]:
        connector = self.connector(loopback(self.sandbox()))
        assert isinstance(connector, Attachments)
        yield connector
        await connector.aclose()

    async def test_the_same_file_is_attached_once_and_comes_back_as_it_was(self, shelf: Attachments) -> None:
        content = "first line\nGrüße\n".encode() + bytes(range(256))
        log = Attachment(key="contract-log", name="firstline-log.txt", content=content)
        references = [await shelf.attach(self.incident(), log) for _ in range(2)]
        assert references[0] == references[1]
        assert references[0].url
        (found,) = await shelf.attached(self.incident())
        assert found.content == content
        assert found.media_type.startswith("text/plain")

    async def test_files_with_other_keys_are_other_files(self, shelf: Attachments) -> None:
        for key in ("one", "two"):
            await shelf.attach(self.incident(), Attachment(key=key, name="log.txt", content=key.encode()))
        found = await shelf.attached(self.incident())
        assert sorted(attachment.content for attachment in found) == [b"one", b"two"]


class _Counting:
    """Counts the requests to an application, but for those through the sandbox's own doors."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.requests = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/sandbox/"):
            self.requests += 1
        await self._app(scope, receive, send)


async def _pages(connector: Connector[Any], window: Window) -> list[Page]:
    pages = [await connector.poll(window)]
    while pages[-1].next:
        pages.append(await connector.poll(window, pages[-1].next))
    return pages


def _events(connector: Connector[Any], pages: list[Page]) -> list[Event]:
    return [event for page in pages for delivery in page.deliveries for event in connector.translate(delivery)]


def _always(status: int, headers: dict[str, str] | None = None, body: str = '{"error": "as asked"}') -> Starlette:
    async def answer(_: Request) -> PlainTextResponse:
        return PlainTextResponse(
            body, status_code=status, headers={"Content-Type": "application/json", **(headers or {})}
        )

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
