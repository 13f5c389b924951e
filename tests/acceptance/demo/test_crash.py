"""`kill -9` of the hub at any moment of the story, then starting it again, ends in the same records."""

import os
import random
from pathlib import Path

import anyio
import pytest

from firstline.demo import story
from firstline.demo.process import marked
from firstline.demo.record import comparable
from firstline.demo.stage import Stage, Stuck
from firstline.demo.story import Outcome, staged

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("DEMO_KILLS", "6"))
EACH = 10  # kills in one play: more would keep it from ever coming to its end
SEED = 20161123
INCIDENTS = 40  # enough for some of each mode to be under way at each kill
LONGEST = 4.0  # seconds until the next kill
SPEED = 3.0


class Killer:
    """Kills the hub at random moments until the story ends or it has killed often enough. Some moments fall before the
    hub is ready again, most among its work."""

    def __init__(self, chance: random.Random, kills: int) -> None:
        self._chance = chance
        self.left = kills

    async def run(self, stage: Stage, ended: anyio.Event) -> None:
        enough = max(self.left - EACH, 0)
        while self.left > enough and not ended.is_set():
            with anyio.move_on_after(self._chance.uniform(0, LONGEST)):
                await ended.wait()
            if not ended.is_set():
                self.left -= 1
                stage.kill_hub()
                stage.start_hub()
                await self._let_it_come_up(stage, ended)

    async def _let_it_come_up(self, stage: Stage, ended: anyio.Event) -> None:
        """After three of four kills the next waits until the hub is up."""
        if self._chance.random() < 3 / 4:
            try:
                await stage.answers("hub", "/readyz")
            except Stuck:
                ended.set()
                raise


async def play(root: Path, killer: Killer | None = None) -> Outcome:
    async with staged(root, lambda _: None, speed=SPEED, patience=150) as stage:
        await stage.set_up()
        ended = anyio.Event()
        async with anyio.create_task_group() as group:
            if killer is not None:
                group.start_soon(killer.run, stage, ended)
            outcome = await story.play(stage, story.whole(INCIDENTS))
            ended.set()
        return outcome


async def test_kills_at_random_moments_leave_the_records_of_an_undisturbed_run(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    undisturbed = await play(root)
    assert undisturbed.right, undisturbed
    assert set(undisturbed.seen.modes.values()) == {"auto", "suggest", ""}
    assert not list(marked(root))
    killer = Killer(random.Random(SEED), KILLS)
    while killer.left:
        before = killer.left
        outcome = await play(root, killer)
        assert not outcome.stuck
        assert [proof for proof in outcome.proofs if not proof.holds] == []
        assert comparable(outcome.records) == comparable(undisturbed.records)
        assert killer.left < before, "the story was over before the first kill"
