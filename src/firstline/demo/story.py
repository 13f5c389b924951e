"""The story that `firstline demo` plays: set up, eight acts, most of them at the same time, and the judgement over what
they left."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx

from firstline.demo import (
    act_demotion,
    act_desk,
    act_emergency,
    act_eyes,
    act_fault,
    act_freeze,
    act_normal,
    act_request,
    audit,
    collect,
    proof,
    proof_rule,
    services,
)
from firstline.demo.claim import Proof
from firstline.demo.incidents import all_incidents
from firstline.demo.place import held
from firstline.demo.process import Processes
from firstline.demo.record import Records, Story
from firstline.demo.seen import Seen
from firstline.demo.stage import PATIENCE, Stage, Stuck
from firstline.incident import OPENED

ALL = len(all_incidents())


@dataclass(frozen=True)
class Act:
    """`opens`: how many records it opens elsewhere; `changes`: how many changes there are of each item for it."""

    play: Callable[[Stage, Seen], Awaitable[None]]
    prove: Callable[[Records, Story, Seen], Iterator[Proof]]
    opens: int = 1
    changes: Mapping[str, int] = field(default_factory=dict)


FAULTS = Act(act_fault.play, proof.faults, opens=3, changes={"shop": 3})
REQUESTS = Act(act_request.play, proof.request, opens=len(act_request.REQUESTS), changes={"accounts": 1})
FREEZE = Act(act_freeze.play, proof_rule.freeze, changes={"relay": 1})
EYES = Act(act_eyes.play, proof_rule.eyes, changes={"payroll": 1})
NORMAL = Act(act_normal.play, proof_rule.normal, changes={"orders": 1})
EMERGENCY = Act(act_emergency.play, proof_rule.emergency, changes={"cards": 1})
DEMOTION = Act(act_demotion.play, proof_rule.demotion, opens=2, changes={"search": 2})


def desk(count: int) -> Act:
    """So many of the real incidents."""
    return Act(lambda stage, seen: act_desk.play(stage, seen, count), proof.desk, opens=count)


Lanes = Sequence[Sequence[Act]]


def whole(incidents: int = ALL) -> Lanes:
    """All acts. Those of a lane follow each other, so that a person can follow them; lanes don't disturb each other."""
    return ((FAULTS,), (desk(incidents),), (REQUESTS, EYES, EMERGENCY), (FREEZE, NORMAL, DEMOTION))


@dataclass
class Outcome:
    """How the story ended. `stuck` says what did not happen; the proofs are over all records, however it ended."""

    records: Records = field(default_factory=lambda: Records(()))
    story: Story = field(default_factory=Story)
    seen: Seen = field(default_factory=Seen)
    proofs: list[Proof] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not self.stuck and bool(self.proofs) and all(proof.holds for proof in self.proofs)


@asynccontextmanager
async def staged(
    root: Path, say: Callable[[str], None], *, speed: float = 1.0, patience: float = PATIENCE
) -> AsyncIterator[Stage]:
    """The set-up of the story in a folder of its own. All that was started is ended with the block."""
    with held(root) as place:
        processes = Processes(place.root, place.logs)
        try:
            stage = Stage(place, processes, say, speed=speed, patience=patience)
            async with stage.http:
                yield stage
        finally:
            processes.stop_all()


async def play(stage: Stage, lanes: Lanes | None = None, *, audited: bool = True) -> Outcome:
    """Play these acts (default: all) on a stage that is set up, and judge what they left. `audited`: by the command
    that verifies the ledger, too."""
    outcome, lanes = Outcome(), whole() if lanes is None else lanes
    acts = [act for lane in lanes for act in lane]
    async with anyio.create_task_group() as group:
        for lane in lanes:
            group.start_soon(_lane, stage, lane, outcome)
    if not outcome.stuck:
        await _played(lambda: _settled(stage, sum(act.opens for act in acts)), outcome)
    await _played(lambda: _judge(stage, acts, outcome), outcome)
    if audited:
        await _played(lambda: _audit(stage, outcome), outcome)
    return outcome


async def _lane(stage: Stage, lane: Sequence[Act], outcome: Outcome) -> None:
    for act in lane:
        await _played(lambda act=act: act.play(stage, outcome.seen), outcome)  # type: ignore[misc]


async def _played(act: Callable[[], Awaitable[None]], outcome: Outcome) -> None:
    """An act that is stuck, or that finds something gone that it needs, is told at the end; the others go on, so that
    one run shows all that is wrong."""
    try:
        await act()
    except Stuck as stuck:
        outcome.stuck.append(str(stuck))
    except (httpx.HTTPError, OSError) as error:
        outcome.stuck.append(f"{type(error).__name__}: {error}")


async def _judge(stage: Stage, acts: Sequence[Act], outcome: Outcome) -> None:
    outcome.records, seen = await collect.records(stage), outcome.seen
    outcome.story = await stage.until("the hub tells its story", lambda: collect.story(stage))
    folder = stage.place.services
    seen.restarts = {each.name: services.restarts(folder, each) for each in services.SERVICES}
    if stage.place.freeze.exists():
        seen.lifted_at = datetime.fromtimestamp(stage.place.freeze.stat().st_mtime, UTC)
    items = sum((Counter(act.changes) for act in acts), Counter())
    for act in acts:
        outcome.proofs += act.prove(outcome.records, outcome.story, seen)
    outcome.proofs += proof.changes(outcome.records, items)
    outcome.proofs += proof_rule.pins(outcome.story, stage.standard)


async def _audit(stage: Stage, outcome: Outcome) -> None:
    stage.say("verifying the ledger, and a copy of it in which somebody has edited a row")
    intact = await audit.verify(stage.place.hub)
    edited = await audit.verify_edited(stage.place.hub, stage.place.root / "edited")
    for each in (intact, edited):
        first, _, _ = each.text.partition("\n")
        stage.say(f"firstline audit verify: {first}")
    outcome.proofs += audit.prove(intact, edited)


async def _settled(stage: Stage, opens: int) -> None:
    """Wait until the hub has decided about each record that was opened, and has nothing left to do or to write: what
    would come too often would have come by then."""

    async def look() -> bool:
        opened = [row["type"] == OPENED async for row in stage.listed("/events")]
        undecided = [row async for row in stage.listed("/deliveries", state="new")]
        unended = [row async for row in stage.listed("/remediations") if row["stage"] != "ended"]
        unwritten = [row async for row in stage.listed("/write-backs") if row["state"] in ("pending", "sending")]
        return sum(opened) >= opens and not (undecided or unended or unwritten)

    stage.say("all acts are played; waiting until the hub has nothing left to do")
    await stage.until("the hub has nothing left to do", look, every=0.5)
