"""All that an example of the machine has: vendor, executor, clock, people, and lives of the hub one after another. What
a rule does stands here; what may begin is judged by `Oracle`."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.integration.machine.bench import Runs
from tests.integration.machine.desk import DESK, Office
from tests.integration.machine.life import FOR_EVER, Around, Books, Facts, Going, Life, shared
from tests.integration.machine.oracle import Oracle
from tests.integration.machine.pack import AUTHOR, EDITOR, PACK, Shelf

from firstline import access
from firstline.access import Right, delegation, grant, group, roll
from firstline.errors import FirstlineError
from firstline.guard import Window, Windows
from firstline.incident import Event, Incident, IncidentState, Reference
from firstline.intake.review import review
from firstline.ledger.key import signer
from firstline.ledger.verify import Verdict, verify
from firstline.register.pin import pin, unpin
from firstline.remediation import approval
from firstline.remediation.approval import Answer
from firstline.remediation.autonomy.promotion import promote
from firstline.remediation.hold import override, switch
from firstline.remediation.note.start import tell_begun
from firstline.settings import Settings
from firstline.store import Database
from firstline.store.table import APPROVAL, REMEDIATION

EPOCH = datetime(2026, 3, 2, 12, tzinfo=UTC)
OS = "os:root"
REQUESTER = "rex"
PEOPLE: dict[str, tuple[Right, ...]] = {
    "ann": (Right.SEE, Right.APPROVE),
    "bob": (Right.SEE, Right.APPROVE),
    "cid": (Right.SEE, Right.APPROVE),
    "gus": (Right.SEE, Right.GOVERN),
    AUTHOR: (Right.SEE, Right.APPROVE, Right.GOVERN),
    EDITOR: (Right.SEE, Right.WRITE),
    REQUESTER: (Right.SEE, Right.APPROVE),
    "sue": (Right.SEE,),
}
SRE = ("ann", "bob", AUTHOR)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = EPOCH

    def time_ns(self) -> int:
        return int(self.now.timestamp()) * 1_000_000_000


@dataclass
class Rules:
    """How the hub of an example is set."""

    register: str
    require_pin: bool
    no_record: str
    emergency: str
    autonomy: str
    guards: dict[str, Any]

    def settings(self, folder: Path, database: str) -> Settings:
        changes = {
            "register": self.register,
            "require_pin": self.require_pin,
            "no_record": self.no_record,
            "emergency": self.emergency,
        }
        return Settings.model_validate(
            {
                "hub": {"database": database, "environment": "prod", "approval_expires": 86_400},
                "connections": {DESK: {"connector": DESK, "intake": {"way": "push"}}},
                "changes": changes,
                "modes": {"autonomy": self.autonomy, "successes": 1},
                "guards": self.guards,
                "folder": folder,
            }
        )


class World:
    def __init__(self, rules: Rules, shelf: Shelf, folder: Path, database: str, clock: Clock) -> None:
        self.rules, self.shelf, self.clock = rules, shelf, clock
        self.settings = rules.settings(folder, database)
        self.office, self.runs, self.books = Office(), Runs(), Books()
        self.windows: list[Window] = []
        self.bound: set[str] = set()
        self.edition = "first"
        self.voters: tuple[str, ...] = ("ann", "bob")  # who say yes here, and at the vendor
        self.decider = "d-ann"
        self.lives: list[Life] = []
        self.incidents: dict[str, Incident] = {}
        self.database = Database(database)
        self.database.engine = shared(self.database)
        self.oracle = Oracle(self)
        self._numbers: Iterator[int] = itertools.count(1)
        self._loop = asyncio.Runner()
        self.start()

    # Lives.

    @property
    def life(self) -> Life:
        return self.lives[-1]

    def start(self) -> None:
        """A hub comes up, and takes over what the dead left."""
        around = Around(
            shelf=self.shelf,
            office=self.office,
            runs=self.runs,
            books=self.books,
            edition=lambda: self.edition,
            facts=self.facts,
            written=self.oracle.look,
            began=self.oracle.began,
        )

        async def up() -> None:
            life = Life(self.settings, around)
            life.context.windows = self._windows
            self.lives.append(life)
            for _ in range(2):  # on PostgreSQL nobody is taken for dead at the first look
                await life.serve(life.hub.runner.take_over())

        self.run(up())

    def facts(self) -> Facts:
        over = frozenset(id_ for id_, one in self.incidents.items() if one.state is not IncidentState.OPEN)
        return Facts(self.edition, over)

    def kill(self) -> None:
        self.run(self.life.kill())
        self.start()

    def stall(self) -> None:
        self.life.stall()
        self.start()

    def serve(self, name: str, points: int = FOR_EVER) -> None:
        """One of the hub's loops does what it has to do now, or dies in it."""
        if not self.run(self.life.serve(self._service(name), points)):
            self.start()

    async def _service(self, name: str) -> None:
        hub, context = self.life.hub, self.life.context
        match name:
            case "dispatch":
                while await hub.dispatcher.dispatch():
                    pass
            case "claim":
                await hub.runner.start_due()
            case "send":
                while await hub.write_back.send_due():
                    await hub.write_back.idle()
            case "expire":
                await approval.expire(context)
            case "tell":
                await tell_begun(context)
            case "take over":
                await hub.runner.take_over()
            case "review":
                earned = self.rules.autonomy == "earned"
                declared = hub.decider.declarations
                await context.database.write(partial(review, declarations=declared, environment="prod", earned=earned))
            case _:
                raise ValueError(name)

    @property
    def goings(self) -> list[Going]:
        return [going for life in self.lives if not life.dead for going in life.goings]

    def go(self, going: Going, points: int = FOR_EVER) -> None:
        self.run(going.go(points))

    def settle(self) -> None:
        """The newest hub does all there is to do now."""
        for _ in range(30):
            for name in ("dispatch", "claim"):
                self.serve(name)
            waiting = list(self.life.goings)
            for going in waiting:
                self.go(going)
            if not waiting:
                return

    def run(self, act: Any) -> Any:
        return self._loop.run(act)

    def close(self) -> None:
        for life in self.lives:
            if not life.dead:
                self.run(life.kill())
        self.database.engine.dispose()
        self._loop.close()

    # What happens around.

    def advance(self, by: timedelta) -> None:
        self.clock.now += by

    def incident(self, mapping: str, host: str) -> None:
        number = f"I{next(self._numbers)}"
        self.runs.broken.add(host)
        self.incidents[number] = Incident(
            reference=Reference(connection=DESK, kind="incident", id=number, number=number),
            title=mapping,
            ci=host,
            service=host,
            caller=f"d-{REQUESTER}",
            opened_at=self.clock.now,
            version=1,
        )
        self._tell("incident.opened", number)

    def turn(self, number: str, kind: str, state: IncidentState) -> None:
        """An incident comes to another state, by somebody."""
        incident = self.incidents[number]
        self.incidents[number] = incident.model_copy(update={"state": state, "version": incident.version + 1})
        self._tell(kind, number)

    def _tell(self, kind: Any, number: str) -> None:
        incident = self.incidents[number]
        event = Event(
            id=f"{number}.{incident.version}",
            type=kind,
            reference=incident.reference,
            occurred_at=self.clock.now,
            incident=incident,
            actor="d-sue",
        )
        self.deliver(event)

    def change_told(self, id_: str) -> None:
        reference = Reference(connection=DESK, kind="change", id=id_)
        number = next(self._numbers)
        self.deliver(
            Event(id=f"E{number}", type="change.updated", reference=reference, occurred_at=self.clock.now, actor="x")
        )

    def deliver(self, event: Event) -> None:
        body = json.dumps(event.model_dump(mode="json")).encode()
        self.run(self.life.hub.deliveries.append(DESK, event.id, {}, body))

    # People.

    def people(self, act: Callable[[sa.Connection], Any]) -> Any:
        """Somebody does something to the hub; None where it is refused."""
        try:
            return self.database.write_now(act)
        except FirstlineError:
            return None

    def answer(self, approval_id: str, name: str, verdict: Any) -> None:
        person = self.database.read_now(lambda c: access.find(c, name)) or access.Person(name=name)
        given = Answer(verdict, person, "api", "because")
        row = self.row(APPROVAL, approval_id)
        try:
            standing = self.run(approval.answer(self.life.context, approval_id, given))
        except FirstlineError:
            return
        self.oracle.answered(row, standing)

    def throw(self, scope: str) -> None:
        if self.people(lambda c: switch.throw(c, scope, "gus", "fire")) is not None:
            self.oracle.switches.add(scope)

    def lift(self, scope: str) -> None:
        if self.people(lambda c: switch.lift(c, scope, "gus", "it is out")) is not None:
            self.oracle.switches.discard(scope)

    def override(self, remediation: str, name: str) -> None:
        def act(connection: sa.Connection) -> Any:
            person = access.find(connection, name) or access.Person(name=name)
            return override.override(connection, remediation, person, "now", self.clock.now, pager="", url="")

        made = self.people(act)
        if made is not None:
            self.oracle.overridden(remediation, name, made.plan_digest)

    def grant(self, name: str, right: Right) -> None:
        self.people(lambda c: grant.grant(c, f"person:{name}", [right], by=OS))

    def revoke(self, name: str, right: Right) -> None:
        self.people(lambda c: grant.revoke(c, f"person:{name}", [right], by=OS))

    def turn_off(self, name: str) -> None:
        self.people(lambda c: roll.turn_off(c, name, by=OS))

    def turn_on(self, name: str) -> None:
        self.people(lambda c: roll.turn_on(c, name, by=OS))

    def delegate(self, giver: str, taker: str) -> None:
        until = self.clock.now + timedelta(hours=6)
        self.people(lambda c: delegation.delegate(c, giver, taker, until=until, reason="leave", by=giver))

    def promote(self, mapping: str, to: Any) -> None:
        declarations = self.life.hub.decider.declarations
        found = next(one for one in declarations.matcher.mappings if one.name == f"{PACK}/{mapping}")
        self.people(lambda c: promote(c, found, "prod", to, "gus", "it is time", 1))

    def pin(self, change: str) -> None:
        runbook = self.life.hub.decider.declarations.runbooks[PACK, f"mend-{change}"]
        self.people(lambda c: pin(c, PACK, runbook, "gus"))

    def unpin(self, change: str) -> None:
        self.people(lambda c: unpin(c, f"{PACK}/mend-{change}", "gus"))

    def edit(self, edition: str) -> None:
        """The users' files change, and the hub has seen it."""
        self.edition = edition
        self.life.hub.decider.declarations = self.shelf.editions[edition]

    # Windows.

    def _windows(self) -> Windows:
        return Windows(self.windows, bound=self.bound)

    # What is there.

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        query = sa.select(table)
        return [dict(row) for row in self.database.read_now(lambda c: c.execute(query).mappings().all())]

    def row(self, table: sa.Table, id_: str) -> dict[str, Any]:
        query = sa.select(table).where(table.c.id == id_)
        return dict(self.database.read_now(lambda c: c.execute(query).mappings().one()))

    def open_remediations(self) -> list[dict[str, Any]]:
        return [row for row in self.rows(REMEDIATION) if row["stage"] != "ended"]

    def verdict(self) -> Verdict:
        """The whole ledger, verified."""
        self.run(self.life.hub.ledger.sequence())
        verifier = signer(self.settings).verifier
        return self.database.read_now(lambda connection: verify(connection, [verifier]))


def populated(database: Database) -> None:
    """The people are there when a machine begins."""

    def make(connection: sa.Connection) -> None:
        for name, rights in PEOPLE.items():
            roll.add(connection, name, by=OS, accounts={DESK: f"d-{name}"})
            grant.grant(connection, f"person:{name}", list(rights), by=OS)
        for name in SRE:
            group.join(connection, group="sre", person=name, by=OS)

    database.write_now(make)
