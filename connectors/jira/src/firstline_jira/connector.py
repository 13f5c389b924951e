"""The connector: puts the parts together, one of each for a connection."""

from collections.abc import Mapping, Sequence
from typing import Any

from firstline.connector import (
    Attachment,
    Attachments,
    ChangeDraft,
    ChangeRegister,
    ChangeState,
    Conflict,
    Connector,
    Delivery,
    Evidence,
    Finding,
    Note,
    Page,
    Registration,
    Standing,
    StateChange,
    Update,
    Window,
)
from firstline.errors import Rejected
from firstline.incident import Event, Incident, Reference
from firstline_jira.access import Access
from firstline_jira.agreement import of as agreements_of
from firstline_jira.attachment import Files
from firstline_jira.change import Changes
from firstline_jira.check import Check
from firstline_jira.edit import Fields
from firstline_jira.edition import edition
from firstline_jira.issue import View, account, request_type
from firstline_jira.link import remote as remote_link
from firstline_jira.marker import issue_id
from firstline_jira.note import Notes
from firstline_jira.poll import Poller
from firstline_jira.registration import Registrations
from firstline_jira.rest import Rest
from firstline_jira.settings import JiraSettings
from firstline_jira.signature import is_hint, verify
from firstline_jira.site import Site
from firstline_jira.state import Workflow
from firstline_jira.translate import translate


class JiraConnector(Connector[JiraSettings], ChangeRegister, Attachments):
    """Jira Cloud, Jira Data Center, and Jira Service Management on both."""

    name = "jira"
    settings_model = JiraSettings
    edits_notes = True
    overlap = 300.0  # Cloud's search runs behind by seconds to minutes ("Search and reconcile")

    def __init__(self, connection: str, settings: JiraSettings) -> None:
        super().__init__(connection, settings)
        self._secrets = [secret.get_secret_value().encode() for secret in settings.webhook_secrets]
        self._own = {name for name in (settings.user, settings.own_account_id) if name}
        self._view = View(connection, settings)
        kind, access = edition(settings), Access(settings, self.meter)
        self._rest = Rest(settings, kind, access, self.meter)
        self._site = Site(settings, kind, access, self.meter)
        self._notes = Notes(connection, self._rest, self._site, settings.base_url, self._own)
        self._fields = Fields(self._rest, self._site)
        self._files = Files(connection, self._rest, self._site, settings.base_url)
        self._poller = Poller(connection, settings, self._rest, self._site)
        self._registrations = Registrations(connection, settings, self._site)
        self._workflow = Workflow(settings, self._rest, self._site, self._fields)
        self._changes: Changes | None = None
        if settings.change:
            self._changes = Changes(
                connection, settings.change, settings.base_url, self._rest, self._site, self._notes, self._workflow
            )

    # what comes in

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return verify(self._secrets, headers, body, unsigned=self.settings.unsigned_hooks)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        """An unsigned hint tells nothing: anybody may have sent it. The next poll brings what happened."""
        if self.settings.unsigned_hooks and not delivery.polled and is_hint(delivery.headers):
            return []
        return translate(delivery, self._view, self._own)

    async def poll(self, window: Window, page: str = "") -> Page:
        """Cloud gives no total, and Data Center's counts what the account may see: nothing is told of hidden rows."""
        await self._learn_own_id()
        return await self._poller.page(window, page)

    async def connect(self, hook_url: str) -> Registration:
        return await self._registrations.connect(hook_url)

    async def fetch(self, reference: Reference) -> Incident:
        """Reads by id: search may not know an issue yet whose webhook has arrived."""
        id = issue_id(reference)  # noqa: A001 - Jira's word
        issue = await self._rest.issue(id)
        incident = self._view.incident(issue)
        more: dict[str, Any] = {}
        if not incident.agreements and request_type(issue["fields"]):
            more["agreements"] = agreements_of(await self._site.agreements(id))
        if self.settings.remote_links:
            remote = [link for row in await self._site.remote_links(id) for link in remote_link(row)]
            more["links"] = tuple(dict.fromkeys((*incident.links, *remote)))
        return incident.model_copy(update=more)

    # what goes out

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        await self._learn_own_id()
        return await self._notes.write(reference, note)

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await self._learn_own_id()
        await self._workflow.set_state(reference, change)

    async def update(self, reference: Reference, update: Update) -> None:
        await self._learn_own_id()
        await self._fields.update(reference, update)

    async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
        await self._learn_own_id()
        return await self._files.attach(reference, attachment)

    async def attached(self, reference: Reference) -> list[Attachment]:
        return await self._files.attached(reference)

    async def _learn_own_id(self) -> None:
        """Before the first write or poll, so that its echo is known as ours; `check`, which runs at start, does it as
        well."""
        if not self.settings.own_account_id and self._own <= {self.settings.user}:
            self._own |= {account(await self._rest.myself(), "myself")} - {""}

    async def check(self) -> list[Finding]:
        return await Check(self.settings, self._rest, self._site, self._registrations, self._changes, self._own.add)()

    async def aclose(self) -> None:
        await self._rest.aclose()
        await self._site.aclose()

    # the change register

    async def open(self, draft: ChangeDraft) -> Reference:
        changes = self._register()
        await self._learn_own_id()
        return await changes.open(draft)

    async def request(self, reference: Reference, evidence: Evidence) -> None:
        await self._learn_own_id()
        await self._register().request(reference, evidence)

    async def standing(self, reference: Reference) -> Standing:
        return await self._register().standing(reference)

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        await self._learn_own_id()
        await self._register().move(reference, to, evidence)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        return await self._register().conflicts(reference)

    async def blame(self, incident: Reference, change: Reference) -> None:
        await self._learn_own_id()
        await self._register().blame(incident, change)

    def _register(self) -> Changes:
        if self._changes is None:
            raise Rejected(f"the connection {self.connection} keeps no changes: its settings have no `change`")
        return self._changes
