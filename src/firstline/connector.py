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

from firstline.incident import Event, Incident, Reference

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


class StateChange(Value):
    """Move a record. `reason` is shown to people where the vendor has a place for it (close notes, a comment)."""

    to: Literal["acknowledged", "resolved", "reopened", "escalated"]
    reason: str = ""


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
    planned_start: AwareDatetime | None = None
    planned_end: AwareDatetime | None = None
    incident: Reference | None = Field(
        default=None, description="The fault it mends; linked where both live in one system."
    )
    tried: bool = Field(default=True, description="As `Note.tried`: look for the key before creating.")


class Approval(Value):
    """Where the vendor's own approval of a change stands. `by` are names for people."""

    state: Literal["not_required", "waiting", "approved", "refused"]
    by: tuple[str, ...] = ()
    comment: str = ""


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


class Finding(Value):
    """One result of `check`: what was looked at, whether it is well, and what to do if not."""

    ok: bool
    subject: str
    message: str
    mend: str = ""


class Connector(ABC, Generic[SettingsT]):
    """Speaks to one external system for one connection. Made once at start, with the settings of the connection and
    secrets already resolved; closed at the end. Methods may be called concurrently."""

    name: ClassVar[str]
    settings_model: ClassVar[type[BaseModel]]

    def __init__(self, connection: str, settings: SettingsT) -> None:
        self.connection = connection
        self.settings = settings

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
        """Look whether the connection can work: address, sign-in, rights. Called at start and by people. Raises
        nothing for what it finds: an unreachable vendor is a finding."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close sessions. Called once, last."""


class ChangeRegister(ABC):
    """Kept by the systems that hold change requests; a connector has this beside `Connector`."""

    @abstractmethod
    async def open(self, draft: ChangeDraft) -> Reference:
        """Find the change with the draft's key, or create it. Called before the first step that changes anything."""

    @abstractmethod
    async def approval(self, reference: Reference) -> Approval:
        """Say where its approval stands. Called on the vendor's event and by the clock while a change waits."""

    @abstractmethod
    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        """Bring the change to a state, through those between as the vendor offers them, and read it back. Already
        there: no write. Raises `Rejected` when the vendor does not offer a way, saying what it offers, or when it
        answers well and nothing moved. Never approves: a move that waits for somebody's approval is `Rejected`."""

    @abstractmethod
    async def conflicts(self, reference: Reference) -> list[Conflict]:
        """What else is planned on the same item in its window. Called before it is moved to `implement`."""


class SandboxSettings(BaseModel):
    """What every sandbox takes: where it tells of changes, and how it signs. Entry points in `firstline.sandboxes`
    name a function `create_app(SandboxSettings)` that returns an ASGI application."""

    model_config = ConfigDict(extra="forbid")

    hook_url: str = Field(default="", description="Where webhooks go; empty: none are sent.")
    hook_secret: str = "sandbox-secret"  # noqa: S105 - the published secret of a stand-in
    public_url: str = Field(default="", description="The sandbox's own address, for links in its answers.")
    seed: dict[str, Any] = Field(default_factory=dict, description="Records to start with, in the vendor's own shape.")
