"""What a connector has to do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel

from firstline.connector.alarm import Alarm, Announcement
from firstline.connector.change import Blackout, ChangeDraft, ChangeState, Conflict, Evidence, Proposal, Standing
from firstline.connector.delivery import Delivery, Page, Registration, Window
from firstline.connector.note import Attachment, Note
from firstline.connector.record import StateChange, Update
from firstline.errors import Rejected
from firstline.finding import Finding
from firstline.incident import Event, Incident, Reference
from firstline.meter import Meter

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class Connector(ABC, Generic[SettingsT]):
    """Speaks to one external system for one connection. Made once at start, with the settings of the connection and
    secrets already resolved; closed at the end. Methods may be called concurrently.

    Every request it sends is counted in `meter`, and what the vendor tells of its limit is told there too."""

    name: ClassVar[str]
    settings_model: ClassVar[type[BaseModel]]
    edits_notes: ClassVar[bool] = False  # one live note a remediation instead of a start note and an outcome note
    acknowledges: ClassVar[bool] = False  # the hub acknowledges an incident here while it works on it
    overlap: ClassVar[float] = 120.0  # seconds before the cursor that a poll asks for again: rows are written late

    def __init__(self, connection: str, settings: SettingsT) -> None:
        self.connection = connection
        self.settings = settings
        self.meter = Meter()

    @abstractmethod
    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        """Check the signature over the raw bytes and return the vendor's delivery key.

        Called on the hot path of every webhook, before anything is stored: pure, fast, no parsing beyond need. Header
        names come in lower case. Raises `Unauthorized` when the signature is missing or wrong, and nothing else: what
        is properly signed but unusable is refused later by `translate`, so that the vendor gets its 2xx.
        """

    @abstractmethod
    def translate(self, delivery: Delivery) -> Sequence[Event]:
        """Say what a verified delivery tells. Pure. Called once a delivery, after it is stored.

        An empty sequence: it tells nothing of interest. Raises `Rejected`, naming the place, when it is not what the
        vendor documents (not JSON, wrong shape); the delivery is then parked, visible, and can be tried again after an
        upgrade. Unknown event types are events of type `other`, not errors.
        """

    @abstractmethod
    async def poll(self, window: Window, page: str = "") -> Page:
        """Bring what the vendor has in the window, a page at a time; `page` is the `next` of the page before.

        Each delivery has `polled` true, a body that `translate` understands without further requests, and a key that
        is the same for the same version of the same record, so that the overlap brings nothing twice. A happening
        must translate to the event id that its webhook would have given: by whichever way it comes, it is one event.
        A record that was opened in the window, or changed in it, always tells its `incident.opened` too (with the id
        the webhook's would have); the hub drops what it knows. A type that a record alone can't tell is
        `incident.updated`: the hub compares with its last view.
        """

    @abstractmethod
    async def connect(self, hook_url: str) -> Registration:
        """Make the webhook that sends to `hook_url`, or renew, re-enable or repair the one that is there. Called by
        `firstline connect` and, once it was made so, on a schedule. Never makes a second one."""

    @abstractmethod
    async def fetch(self, reference: Reference) -> Incident:
        """Read the record as it is now. Raises `Rejected` when there is none."""

    @abstractmethod
    async def write_note(self, reference: Reference, note: Note) -> Reference:
        """Write the note and return its reference. Called until it returns, with the same key: found again, then left
        as it is, or edited in place where the vendor can and the text differs. Never written twice."""

    @abstractmethod
    async def set_state(self, reference: Reference, change: StateChange) -> None:
        """Move the record and read it back. Already there: no write. Raises `Rejected`, naming the field or transition
        and the likely rule, when the vendor refuses, or answers well and changes nothing."""

    @abstractmethod
    async def check(self) -> list[Finding]:
        """Look whether the connection can work: address and TLS, sign-in, rights (naming the role to grant), fields,
        state model, time zone, clock skew, webhook. Called at start and by `firstline doctor`. Raises nothing for what
        it finds: an unreachable vendor is a finding."""

    async def update(self, reference: Reference, update: Update) -> None:
        """Set fields of the record and read them back. Fields it already has so: no write. Connectors without such
        fields leave this as it is: `Rejected`."""
        raise Rejected(f"{self.name} has no fields to set on a {reference.kind}: {', '.join(update.fields)}")

    @abstractmethod
    async def aclose(self) -> None:
        """Close sessions. Called once, last."""


class ChangeRegister(ABC):
    """Kept by the systems that hold change requests; a connector has this beside `Connector`."""

    @abstractmethod
    async def open(self, draft: ChangeDraft) -> Reference:
        """Find the change with the draft's key, or create it. Called before the first step that changes anything; with
        `late` after it."""

    @abstractmethod
    async def request(self, reference: Reference, evidence: Evidence) -> None:
        """Ask for the change's approval in the vendor's own way: to Assess or Authorize, or into the status that asks.
        Asked or decided already: nothing is written. Read back like a move."""

    @abstractmethod
    async def standing(self, reference: Reference) -> Standing:
        """Say where the change stands: state, approval, planned start and end. Called on the vendor's event and by the
        clock while a change waits, and before it is moved to `implement`."""

    @abstractmethod
    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        """Bring the change to a state, through those between as the vendor offers them, and read it back. Already
        there: no write. Raises `Rejected` when the vendor does not offer a way, saying what it offers, or when it
        answers well and nothing moved. Never approves: a move that waits for somebody's approval is `Rejected`."""

    @abstractmethod
    async def conflicts(self, reference: Reference) -> list[Conflict]:
        """What else is planned on the same item in its window. Called before it is moved to `implement`."""

    async def blackouts(self, since: AwareDatetime, until: AwareDatetime) -> list[Blackout]:  # noqa: ARG002
        """The register's own windows that touch this time. Registers without any leave this as it is."""
        return []

    async def blame(self, incident: Reference, change: Reference) -> None:  # noqa: ARG002
        """Say on the incident that the change caused it (`caused_by`), and read it back. Registers without such a field
        leave this as it is: `Rejected`."""
        raise Rejected(f"{incident.connection} has no field for the change that caused an incident")

    async def propose(self, proposal: Proposal) -> Reference:  # noqa: ARG002
        """Find the proposal with that key, or make it. Registers without pre-approved changes leave this as it is:
        `Rejected`."""
        raise Rejected("this register knows no pre-approved changes")


class Attachments(ABC):
    """Kept by the systems that take files on a record; a connector has this beside `Connector`."""

    @abstractmethod
    async def attach(self, reference: Reference, attachment: Attachment) -> Reference:
        """Put the file on the record once, and return its reference (with the url people open it by). Same key: found
        again and left."""

    @abstractmethod
    async def attached(self, reference: Reference) -> list[Attachment]:
        """The files on the record, with their content."""


class Pager(ABC):
    """Kept by the systems that call people; a connector has this beside `Connector`."""

    @abstractmethod
    async def alarm(self, alarm: Alarm) -> None:
        """Call for a person, or say that none is needed any more. Same key, same alarm."""

    @abstractmethod
    async def announce(self, announcement: Announcement) -> None:
        """Show a change beside the incidents. Pages nobody."""
