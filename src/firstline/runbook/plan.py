"""A runbook resolved for one incident: nothing in it is computed later. What an approver sees is what runs."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from firstline.declaration import Json, digest


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Command(Value):
    """One program on one target. `run` is program and arguments, never for a shell; `./` is the runbook's folder."""

    name: str
    target: str
    executor: str
    run: tuple[str, ...]
    environment: dict[str, str]
    timeout: float


class Http(Value):
    url: str
    status: int
    contains: str


class Check(Value):
    """Holds when `run` exits 0, or when the answer of `http` has the status and contains the text. Tried every `every`
    seconds until it holds, for at most `within`; must then go on holding for `hold`. `timeout` bounds one try."""

    name: str
    target: str
    executor: str
    run: tuple[str, ...]
    environment: dict[str, str]
    http: Http | None
    within: float
    every: float
    hold: float
    timeout: float


class Change(Value):
    """`window`: the seconds that are planned for it; None: what its limits ask for."""

    type: Literal["standard", "normal", "emergency"]
    template: str
    ci: str
    risk: str
    level: Literal["", "low", "moderate", "high"] = ""
    backout: str
    window: float | None = None


class PublicNote(Value):
    """`public`: the customer sees on the ticket that the fault is mended, in the words of `text`."""

    public: bool = False
    text: str = ""


class Limits(Value):
    """`timeout` in seconds, for the whole run of the steps; `output` in bytes, for each command; `targets` and `share`
    (of the group) bound what one run may touch."""

    timeout: float
    output: int
    targets: int | None = None
    share: float | None = None


class ResolvedRunbook(Value):
    """Commands and checks stand target by target: all of the first target, then all of the next."""

    id: str
    version: str
    owner: str
    authors: tuple[str, ...] = ()
    review: date | None = None
    title: str
    description: str
    runbook_digest: str
    inputs: dict[str, Json]
    targets: tuple[str, ...]
    group: tuple[str, ...] = ()  # all that do the same work as the targets, themselves included
    healthy: tuple[Check, ...] = ()  # what must hold on the rest of the group
    change: Change | None
    limits: Limits
    note: PublicNote = PublicNote()
    before: tuple[Check, ...]
    steps: tuple[Command, ...]
    after: tuple[Check, ...]
    rollback: tuple[Command, ...]
    diagnose: tuple[Command, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form; no path of this machine is part of it."""
        return digest(self.model_dump(mode="json"))
