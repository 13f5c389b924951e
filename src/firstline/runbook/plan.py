"""A runbook resolved for one incident: nothing in it is computed later. What an approver sees is what runs."""

import shlex
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from firstline.declaration import Json, digest
from firstline.declaration.canonical import canonical
from firstline.expression import Scope, Type

RESULT = Scope({"value": "any", "count": "integer"})  # of a query: its first value, how many rows or series


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(Value):
    cpu: float | None = None
    memory: int | None = None
    file_size: int | None = None
    processes: int | None = None


class Sandbox(Value):
    network: bool
    writes: tuple[str, ...]


class Program(Value):
    """What an executor is given, on one target. `run` is program and arguments, never for a shell; `./` is the
    runbook's folder. `secrets`: names, by the variable that will hold each. `late` names the texts that are completed
    when it runs, from what earlier steps gave (`run.2`, `environment.PORT`): they stand here as they were declared."""

    name: str
    target: str
    executor: str
    run: tuple[str, ...]
    parameters: dict[str, Json] = {}
    environment: dict[str, str]
    secrets: dict[str, str] = {}
    bounds: Bounds = Bounds()
    sandbox: Sandbox | None = None
    late: tuple[str, ...] = ()
    timeout: float

    @property
    def does(self) -> str:
        """What is done, in a line: quoted as a shell would need it, so that the borders of arguments show."""
        if self.run:
            return shlex.join(self.run)
        return f"{self.executor} {canonical(self.parameters).decode()}"


class Command(Program):
    """One step, undo, rollback or diagnosis. `targets`: all of its batch, where it is run once for all of them.
    `undoes`: the number of the step that it takes back."""

    id: str = ""
    batch: int = 0
    targets: tuple[str, ...] = ()
    when: str = ""
    outputs: dict[str, dict[str, Json]] = {}
    outputs_from: Literal["file", "stdout"] = "file"
    retries: int = 0
    pause: float = 0.0
    undoes: int | None = None


class Http(Value):
    url: str
    status: int
    contains: str


class Query(Value):
    source: str
    ask: str
    values: dict[str, str]
    holds: str


class Check(Program):
    """Holds when `run` exits 0, or what is looked at is so. Tried every `every` seconds until it holds, for at most
    `within`; must then go on holding for `hold`. `timeout` bounds one try."""

    batch: int = 0
    http: Http | None = None
    tcp: str = ""
    query: Query | None = None
    alert: Literal["", "open", "closed"] = ""
    within: float
    every: float
    hold: float

    @property
    def looks(self) -> str:
        """What is looked at, in a line."""
        if self.http is not None:
            return f"{self.http.url} answers {self.http.status}"
        if self.query is not None:
            values = "".join(f", {name} = {value!r}" for name, value in self.query.values.items())
            return f"{self.query.holds} in {self.query.source}: {self.query.ask}{values}"
        if self.tcp:
            return f"{self.tcp} takes a connection"
        return f"the incident is {self.alert} at its source" if self.alert else self.does


class Rollout(Value):
    """In how many goes, and how many at once; `failures`: so many targets may fail, and the rest go on."""

    batches: tuple[tuple[str, ...], ...]
    parallel: int = 1
    failures: int = 0
    pause: float = 0.0


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
    """Commands and checks stand batch by batch, and in a batch target by target: all of the first, then all of the
    next. `types`: of the values that late texts are completed with."""

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
    rollout: Rollout | None = None
    types: dict[str, Type] = {}
    before: tuple[Check, ...]
    steps: tuple[Command, ...]
    after: tuple[Check, ...]
    rollback: tuple[Command, ...]
    diagnose: tuple[Command, ...]

    @property
    def goes(self) -> Rollout:
        """As declared; else all targets in one go, one after the other, up to the first that fails."""
        return self.rollout or Rollout(batches=(self.targets,))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form; no path of this machine is part of it."""
        return digest(self.model_dump(mode="json"))
