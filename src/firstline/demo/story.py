"""The story that `firstline demo` plays: set up, three acts at the same time, and the judgement over what they left."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx

from firstline.demo import act_desk, act_fault, act_request, collect
from firstline.demo.act_request import REQUESTS
from firstline.demo.incidents import all_incidents
from firstline.demo.place import held
from firstline.demo.process import Processes
from firstline.demo.proof import Proof, Seen, prove
from firstline.demo.record import Records
from firstline.demo.stage import PATIENCE, Stage, Stuck
from firstline.incident import OPENED

ALL = len(all_incidents())
FAULTS = 3


@dataclass
class Outcome:
    """How the story ended. `stuck` says what did not happen; the proofs are over all records, however it ended."""

    records: Records = field(default_factory=lambda: Records(()))
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


async def play(stage: Stage, incidents: int = ALL) -> Outcome:
    """Play all acts on a stage that is set up, and judge what they left."""
    outcome = Outcome()
    seen = outcome.seen
    seen.modes = act_desk.expected(all_incidents()[:incidents])
    acts = (
        lambda: act_fault.play(stage, seen.shop),
        lambda: act_desk.play(stage, incidents),
        lambda: act_request.play(stage, seen),
    )
    async with anyio.create_task_group() as group:
        for act in acts:
            group.start_soon(_played, act, outcome)
    if not outcome.stuck:
        await _played(lambda: _settled(stage, incidents), outcome)
    await _played(lambda: _judge(stage, outcome), outcome)
    return outcome


async def _played(act: Callable[[], Awaitable[None]], outcome: Outcome) -> None:
    """An act that is stuck, or that finds something gone that it needs, is told at the end; the others go on, so that
    one run shows all that is wrong."""
    try:
        await act()
    except Stuck as stuck:
        outcome.stuck.append(str(stuck))
    except (httpx.HTTPError, OSError) as error:
        outcome.stuck.append(f"{type(error).__name__}: {error}")


async def _judge(stage: Stage, outcome: Outcome) -> None:
    outcome.records = await collect.records(stage)
    outcome.proofs = prove(outcome.records, outcome.seen)


async def _settled(stage: Stage, incidents: int) -> None:
    """Wait until the hub has decided about each record that was opened, and has nothing left to do or to write: what
    would come too often would have come by then."""

    async def look() -> bool:
        opened = [row["type"] == OPENED async for row in stage.listed("/events")]
        undecided = [row async for row in stage.listed("/deliveries", state="new")]
        unended = [row async for row in stage.listed("/remediations") if row["stage"] != "ended"]
        unwritten = [row async for row in stage.listed("/write-backs") if row["state"] in ("pending", "sending")]
        return sum(opened) >= incidents + FAULTS + len(REQUESTS) and not (undecided or unended or unwritten)

    stage.say("all three acts are played; waiting until the hub has nothing left to do")
    await stage.until("the hub has nothing left to do", look, every=0.5)
