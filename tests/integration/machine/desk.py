"""A stand-in for a vendor that keeps incidents and change requests, as strict as the contract. `Office` is the vendor,
which outlives every hub; `Desk` is one hub's way to it."""

import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tests.integration.machine.bench import Nothing

from firstline.change.lifecycle import PATHS
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
    Page,
    Proposal,
    Registration,
    Standing,
    StateChange,
    Window,
)
from firstline.errors import Rejected, Unavailable
from firstline.incident import Event, Incident, Reference

DESK = "desk"
ENDED = ("closed", "canceled")
BEFORE_APPROVAL = ("new", "assess", "authorize")


@dataclass
class Change:
    """As the vendor has it. `answered`: what it last told the hub, and when."""

    id: str
    draft: ChangeDraft
    state: ChangeState
    approval: Approval
    start: datetime | None
    end: datetime | None
    answered: Standing | None = None
    moves: list[ChangeState] = field(default_factory=list)

    @property
    def standing(self) -> Standing:
        return Standing(state=self.state, approval=self.approval, planned_start=self.start, planned_end=self.end)


@dataclass
class Office:
    """`down`: it does not answer. `loses`: so many answers get lost after the deed. `silent`: moves are answered well
    and not made. `lenient`: an emergency goes to Implement before its approval."""

    down: bool = False
    loses: int = 0
    silent: bool = False
    lenient: bool = True
    conflicts: bool = False
    changes: dict[str, Change] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    blamed: list[tuple[str, str]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, draft: ChangeDraft) -> Change:
        known = next((one for one in self.changes.values() if one.draft.key == draft.key), None)
        if known is not None:
            return known
        if draft.type == "standard" and not draft.template:
            raise Rejected("a standard change needs its template")
        change = Change(
            id=f"C{next(self._numbers)}",
            draft=draft,
            state="new",
            approval=Approval(state="not_required" if draft.type == "standard" else "waiting"),
            start=draft.planned_start,
            end=draft.planned_end,
        )
        self.changes[change.id] = change
        return change

    def request(self, change: Change) -> None:
        if change.state in ("new", "assess") and change.approval.state == "waiting":
            self._walk(change, "authorize")

    def move(self, change: Change, to: ChangeState, evidence: Evidence) -> None:
        if change.state == to:
            return
        if to == "closed" and (not evidence.notes or evidence.result is None):
            raise Rejected("close code and close notes are mandatory")
        if change.state in ENDED:
            raise Rejected(f"{change.id} is {change.state}")
        if to != "canceled" and change.state in BEFORE_APPROVAL and to not in BEFORE_APPROVAL:
            self._demand_approval(change)
        if self.silent:
            raise Rejected(f"{change.id} was answered well and is still in {change.state}")
        self._walk(change, to)

    def _demand_approval(self, change: Change) -> None:
        first = change.draft.type == "emergency" and self.lenient
        if change.approval.state == "refused" or (change.approval.state == "waiting" and not first):
            raise Rejected(f"{change.id} waits for its approval, or was refused")

    def _walk(self, change: Change, to: ChangeState) -> None:
        path = PATHS[change.draft.type]
        if to != "canceled" and (to not in path or path.index(to) < path.index(change.state)):
            raise Rejected(f"{change.id} does not go from {change.state} to {to}")
        change.state = to
        change.moves.append(to)

    def decide(self, change: Change, state: str, account: str) -> None:
        """By its own people, in its own pages."""
        if change.approval.state == "waiting" and change.state == "authorize":
            decided = {"state": state, "by": (account,), "accounts": (account,), "comment": "as asked"}
            change.approval = Approval.model_validate(decided)
            change.state = "scheduled" if state == "approved" else change.state


class Desk(Connector[Nothing], ChangeRegister):
    """`point` is called before each effect."""

    name = DESK
    settings_model = Nothing

    def __init__(self, office: Office, point: Callable[[], Awaitable[None]]) -> None:
        super().__init__(DESK, Nothing())
        self._office, self._point = office, point

    async def open(self, draft: ChangeDraft) -> Reference:
        await self._asked()
        change = self._office.open(draft)
        self._answer(change)
        return Reference(connection=DESK, kind="change", id=change.id, number=change.id)

    async def request(self, reference: Reference, evidence: Evidence) -> None:
        await self._asked()
        change = self._find(reference)
        self._office.request(change)
        self._answer(change)

    async def standing(self, reference: Reference) -> Standing:
        await self._asked()
        change = self._find(reference)
        self._answer(change)
        change.answered = change.standing
        return change.standing

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        await self._asked()
        change = self._find(reference)
        self._office.move(change, to, evidence)
        self._answer(change)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        await self._asked()
        self._find(reference)
        return [Conflict(kind="change", what="C999 on the same item")] if self._office.conflicts else []

    async def blame(self, incident: Reference, change: Reference) -> None:
        await self._asked()
        self._office.blamed.append((incident.id, change.id))

    async def propose(self, proposal: Proposal) -> Reference:
        await self._asked()
        self._office.proposals.setdefault(proposal.key, proposal)
        return Reference(connection=DESK, kind="proposal", id=proposal.key)

    async def write_note(self, reference: Reference, note: Note) -> Reference:
        await self._asked()
        self._office.notes[note.key] = note
        return reference

    async def set_state(self, reference: Reference, change: StateChange) -> None:
        await self._asked()

    def verify(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers["key"]

    def translate(self, delivery: Delivery) -> Sequence[Event]:
        return [Event.model_validate(json.loads(delivery.body))]

    async def poll(self, window: Window, page: str = "") -> Page:
        return Page(deliveries=())

    async def connect(self, hook_url: str) -> Registration:
        return Registration(state="unchanged")

    async def fetch(self, reference: Reference) -> Incident:
        raise Rejected(f"there is no {reference.id}")

    async def check(self) -> list[Finding]:
        return []

    async def aclose(self) -> None:
        return

    async def _asked(self) -> None:
        await self._point()
        if self._office.down:
            raise Unavailable("the desk does not answer")

    def _find(self, reference: Reference) -> Change:
        if reference.id not in self._office.changes:
            raise Rejected(f"there is no change {reference.id}")
        return self._office.changes[reference.id]

    def _answer(self, change: Change) -> None:
        if self._office.loses:
            self._office.loses -= 1
            raise Unavailable("the answer was lost")
        # Whoever asks for a move is told of the state alone.
        known = change.answered or change.standing
        change.answered = known.model_copy(update={"state": change.state})
