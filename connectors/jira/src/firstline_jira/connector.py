"""The connector: puts the parts together, one of each for a connection."""

from collections.abc import Mapping, Sequence

from firstline.connector import (
    Approval,
    ChangeDraft,
    ChangeRegister,
    ChangeState,
    Conflict,
    Connector,
    Delivery,
    Evidence,
    Finding,
    Note,
    StateChange,
)
from firstline.errors import Rejected
from firstline.incident import Event, Incident, Reference
from firstline_jira.change import Changes
from firstline_jira.check import check
from firstline_jira.issue import View, account
from firstline_jira.marker import issue_id
from firstline_jira.note import Notes
from firstline_jira.rest import Rest
from firstline_jira.settings import JiraSettings
from firstline_jira.signature import verify
from firstline_jira.site import Site
from firstline_jira.state import Workflow
from firstline_jira.translate import translate


class JiraConnector(Connector[JiraSettings], ChangeRegister):
    """Jira Cloud and Jira Service Management; webhooks of Jira Data Center are understood as well."""

    name = "jira"
    settings_model = JiraSettings

    def __init__(self, connection: str, settings: JiraSettings) -> None:
        super().__init__(connection, settings)
        self._secrets = [secret.get_secret_value().encode() for secret in settings.webhook_secrets]
        self._own = {name for name in (settings.user, settings.own_account_id) if name}
        self._view = View(connection, settings)
        self._rest = Rest(settings)
        self._site = Site(settings)
        self._notes = Notes(connection, self._rest, self._site, settings.base_url)
        self._workflow = Workflow(settings, self._rest, self._site)
        self._changes: Changes | None = None
        if settings.change:
            self._changes = Changes(
                connection, settings.change, settings.base_url, self._rest, self._site, self._notes, self._workflow
            )

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return verify(self._secrets, headers, body)

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        return translate(delivery, self._view, self._own)

    async def fetch(self, reference: Reference) -> Incident:
        """Reads by id: search may not know an issue yet whose webhook has arrived."""
        issue = await self._rest.issue(issue_id(reference))
        return self._view.incident(issue)

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        await self._learn_own_id()
        return await self._notes.write(reference, note)

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await self._learn_own_id()
        await self._workflow.set_state(reference, change)

    async def _learn_own_id(self) -> None:
        """Before the first write, so that its echo is known as ours; `check`, which runs at start, does it as well."""
        if not self.settings.own_account_id and self._own == {self.settings.user}:
            self._own.add(account(await self._rest.myself(), "myself") or self.settings.user)

    async def check(self) -> list[Finding]:
        return await check(self.settings, self._rest, self._site, self._changes, self._own.add)

    async def aclose(self) -> None:
        await self._rest.aclose()
        await self._site.aclose()

    # the change register

    async def open(self, draft: ChangeDraft) -> Reference:
        changes = self._register()
        await self._learn_own_id()
        return await changes.open(draft)

    async def approval(self, reference: Reference) -> Approval:
        return await self._register().approval(reference)

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        await self._register().move(reference, to, evidence)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        return await self._register().conflicts(reference)

    def _register(self) -> Changes:
        if self._changes is None:
            raise Rejected(f"the connection {self.connection} keeps no changes: its settings have no `change`")
        return self._changes
