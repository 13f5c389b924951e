"""The contract between the hub and the code that speaks to one kind of external system.

A connector translates; it does not decide, wait, retry or store. The hub does all four, so a method here is called
again after a crash or an `Unavailable`, and must then find what the earlier call left (same key, same thing).

What each error causes, wherever a method raises it:

============== ======================================================================================================
`Unavailable`  tried again later with back-off, not before `retry_after`
`Unauthorized` the connection is paused and a person is told (from `verify`: the delivery is answered 401)
`Rejected`     parked for a person, with the vendor's own words
`Unknown`      a person decides; never tried again by itself
============== ======================================================================================================

Anything else is a defect of the connector: it is logged with its trace and treated like `Rejected`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from firstline.errors import Rejected
from firstline.incident import Event, Incident, Reference
from firstline.meter import Meter

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Delivery(Value):
    """One inbound webhook request or one polled record, exactly as received."""

    connection: str
    key: str = Field(description="The vendor's delivery key; a repeat of it is the same delivery.")
    body: bytes
    headers: dict[str, str] = Field(default_factory=dict, description="Header names in lower case.")
    received_at: AwareDatetime
    polled: bool = Field(default=False, description="True: `body` is what `poll` brought, not what a webhook sent.")


class Window(Value):
    """What a poll asks for, by the vendor's clock."""

    since: AwareDatetime
    until: AwareDatetime | None = Field(default=None, description="Excluded. None: up to now.")
    by: Literal["changed", "opened"] = Field(
        default="changed",
        description="changed: what was changed in the window (the stream). opened: the incidents that were opened in "
        "the window, as they are now (the completeness proof: a time of opening never moves).",
    )


class Page(Value):
    """One page of a poll, oldest first where the vendor can."""

    deliveries: tuple[Delivery, ...]
    next: str = Field(default="", description="What brings the next page; empty: this was the last.")
    complete_to: AwareDatetime | None = Field(
        default=None,
        description="By the vendor's clock: all that happened before is on this page or an earlier one. The hub keeps "
        "it as its cursor once the page is stored, and asks again from an overlap before it. On the last page of a "
        "window without end: the vendor's time when the poll's first page was answered (never our own clock).",
    )
    total: int | None = Field(
        default=None,
        description="How many the vendor itself counts in the window, where it does; more than were brought means that "
        "access rules hide some.",
    )


class Fact(Value):
    """One line of a note: what it is called and what it is."""

    label: str
    value: str


class Note(Value):
    """What we write on a record for people to read. The connector renders it in the vendor's own form, cuts it to the
    vendor's limit from the middle of `output`, and puts `key` where it can find it again (an entity property where the
    vendor has them, else a last line)."""

    key: str = Field(description="Same key, same note.")
    headline: str
    facts: tuple[Fact, ...] = ()
    body: str = Field(default="", description="Plain text; blank lines part paragraphs.")
    output: str = Field(default="", description="What a command printed; shown unchanged in a fixed-width font.")
    public: bool = Field(default=False, description="Visible to the caller or customer. Internal unless asked for.")
    tried: bool = Field(
        default=True,
        description="An earlier attempt may have reached the vendor: look for the key before writing. False saves that "
        "request; the hub says so only when its log proves that no attempt was made.",
    )


class Attachment(Value):
    """A file for a record, such as the full log of a run."""

    key: str = Field(description="Same key, same attachment: found again by it, never attached twice.")
    name: str = Field(description="A plain file name, such as firstline-log.txt.")
    media_type: str = "text/plain; charset=utf-8"
    content: bytes
    tried: bool = Field(default=True, description="As `Note.tried`: look for the key before attaching.")


class StateChange(Value):
    """Move a record. `reason` is shown to people where the vendor has a place for it (close notes, a comment)."""

    to: Literal["acknowledged", "resolved", "reopened", "escalated", "reassigned"]
    reason: str = ""
    assignee: str = Field(
        default="", description="For `reassigned`: the group, escalation policy or user, by name, email or id."
    )


class Update(Value):
    """Fields of a record to set: what is None or empty stays as it is. Read back like a state."""

    priority: int | None = Field(default=None, ge=1, le=5, description="1 is the most severe.")
    fields: dict[str, str] = Field(default_factory=dict, description="Custom fields, by the vendor's name of them.")
    status: str = Field(default="", description="A status update for stakeholders, where the vendor has them.")


ChangeType = Literal["standard", "normal", "emergency"]
ChangeState = Literal["new", "assess", "authorize", "scheduled", "implement", "review", "closed", "canceled"]


class ChangeDraft(Value):
    """A change request to be. What an approver must know stands in the fields an approver can see."""

    key: str = Field(max_length=100, description="Found again by it (correlation_id, entity property).")
    type: ChangeType
    template: str = Field(default="", description="The standard change template's id or name; needed for `standard`.")
    short_description: str
    description: str = ""
    justification: str = ""
    implementation_plan: str = ""
    risk_and_impact: str = ""
    backout_plan: str = ""
    test_plan: str = ""
    ci: str = Field(default="", description="The configuration item's name or id, as the mapping or runbook gives it.")
    group: str = ""
    risk: Literal["", "low", "moderate", "high"] = ""
    late: bool = Field(default=False, description="Filed after the work, and marked so where an approver sees it.")
    planned_start: AwareDatetime | None = None
    planned_end: AwareDatetime | None = None
    incident: Reference | None = Field(
        default=None, description="The fault it mends; linked where both live in one system."
    )
    tried: bool = Field(default=True, description="As `Note.tried`: look for the key before creating.")


class Approval(Value):
    """Where the vendor's own approval of a change stands. `by` are names for people: of who decided, else of whom it
    waits for."""

    state: Literal["not_required", "waiting", "approved", "refused"]
    by: tuple[str, ...] = ()
    accounts: tuple[str, ...] = Field(
        default=(),
        description="Of who decided, all that the vendor names each by: user name, email, id. Four eyes are counted by "
        "these.",
    )
    comment: str = ""


class Standing(Value):
    """Where a change stands at the vendor, read in one go."""

    state: ChangeState | None = Field(description="None: a status that nobody explained; nothing may run in it.")
    approval: Approval
    planned_start: AwareDatetime | None = Field(default=None, description="As it is now: its manager may move it.")
    planned_end: AwareDatetime | None = None


class Evidence(Value):
    """What goes on the change with a move: for `closed`, how it ended and the proof."""

    notes: str = ""
    result: Literal["successful", "successful_issues", "unsuccessful"] | None = None
    work_start: AwareDatetime | None = None
    work_end: AwareDatetime | None = None


class Conflict(Value):
    """Another change, or a blackout or maintenance window, that touches the same item at the same time."""

    kind: str
    what: str
    url: str = ""


class Blackout(Value):
    """A time for which the register says when changes may be made. `blackout`: not within it; `maintenance`: only
    within it, for what it names."""

    kind: Literal["blackout", "maintenance"]
    name: str
    start: AwareDatetime
    end: AwareDatetime
    items: tuple[str, ...] = Field(
        default=(), description="Names and ids of the configuration items it is about; empty: all."
    )
    url: str = ""


class Proposal(Value):
    """A standard change to be: the template that would be approved once, for every run of this version of a runbook."""

    key: str = Field(max_length=100, description="Found again by it.")
    name: str
    short_description: str
    description: str
    justification: str
    implementation_plan: str
    backout_plan: str
    test_plan: str
    risk_and_impact: str = ""
    evidence: str = Field(description="Past runs: how many, how they ended, by whom approved, under which changes.")
    ci: str = ""
    group: str = ""


class Finding(Value):
    """One result of `check`: what was looked at, whether it is well, and what to do if not."""

    ok: bool
    subject: str
    message: str
    mend: str = ""


class Registration(Value):
    """A webhook at the vendor that brings its events to us."""

    state: Literal["made", "renewed", "unchanged", "manual"] = Field(
        description="manual: the vendor lets nobody but its own administrators make it; `instructions` say how."
    )
    id: str = ""
    expires_at: AwareDatetime | None = Field(default=None, description="None: it does not expire.")
    secret: str = Field(
        default="",
        repr=False,
        description="The signing secret, where the vendor makes it and shows it once. Handed to the operator, never "
        "stored by the hub.",
    )
    instructions: str = Field(default="", description="What a person has to do, with the script to paste.")


class Alarm(Value):
    """Something the hub itself needs a person for. `resolved`: it no longer does."""

    key: str = Field(max_length=255, description="Same key, same alarm: the vendor's dedup key.")
    summary: str = Field(max_length=1024)
    severity: Literal["critical", "error", "warning", "info"] = "error"
    source: str = "firstline"
    details: dict[str, str] = Field(default_factory=dict)
    url: str = ""
    resolved: bool = False


class Announcement(Value):
    """A change that went live: shown beside incidents, pages nobody."""

    key: str
    summary: str = Field(max_length=1024)
    at: AwareDatetime
    details: dict[str, str] = Field(default_factory=dict)
    url: str = ""


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


class SandboxSettings(BaseModel):
    """What every sandbox takes: where it tells of changes, and how it signs. Entry points in `firstline.sandboxes`
    name a function `create_app(SandboxSettings)` that returns an ASGI application."""

    model_config = ConfigDict(extra="forbid")

    hook_url: str = Field(default="", description="Where webhooks go; empty: none are sent.")
    hook_secret: str = "sandbox-secret"  # noqa: S105 - the published secret of a stand-in
    public_url: str = Field(default="", description="The sandbox's own address, for links in its answers.")
    seed: dict[str, Any] = Field(default_factory=dict, description="Records to start with, in the vendor's own shape.")
    chaos: dict[str, Any] = Field(default_factory=dict, description="Faults to make: `firstline.chaos.Chaos`.")
