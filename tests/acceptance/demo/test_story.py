"""The story comes out right when everything works, and does not when something doesn't."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firstline.demo import story
from firstline.demo.process import marked, sweep
from firstline.demo.stage import FIRSTLINE, Stage
from firstline.demo.story import Outcome, staged

pytestmark = pytest.mark.anyio

RUNBOOKS = "mappings/shop/runbooks"
TOLD = (  # what a person reads of each act about what may run
    "not mended yet: Held by freeze: Mail is moved tonight",
    "ola.lind, who wrote the runbook, tries to let it go: does not count",
    "waits for its approval in ServiceNow",
    "approved CHG",
    "services/search runs by itself no more",
    "proved  `firstline audit verify` finds the ledger intact",
    "proved  in a copy with one edited row it finds and names that row",
)


async def play(root: Path, before: Callable[[Stage], None] = lambda _: None) -> Outcome:
    """The faults of the shop alone, after `before` has changed what the hub will read."""
    async with staged(root, lambda _: None, speed=4) as stage:
        stage.lay_out()
        before(stage)
        await stage.start()
        return await story.play(stage, [[story.FAULTS]], audited=False)


def wrong(outcome: Outcome) -> set[str]:
    return {proof.claim for proof in outcome.proofs if not proof.holds}


def spoil(stage: Stage, script: str) -> None:
    """Make a script do nothing, and say that it went well."""
    (stage.place.hub / RUNBOOKS / script).write_text("#!/bin/sh\nexit 0\n")


async def test_without_the_steps_that_mend_and_undo_the_story_fails_and_says_where(tmp_path: Path) -> None:
    def spoilt(stage: Stage) -> None:
        for script in ("restart-web/start", "clear-logs/clear", "restart-web/restore"):
            spoil(stage, script)

    outcome = await play(tmp_path / "demo", spoilt)
    assert not outcome.right
    assert "'shop: does not answer' was not mended" in "".join(outcome.stuck)
    assert wrong(outcome) >= {
        "'shop: does not answer': one change, closed successful",
        "'shop: disk quota exceeded' is resolved in PagerDuty",
        "the rollback put the cache back as it was",
    }


def test_the_command_tells_the_story_in_plain_lines_and_exits_0(tmp_path: Path) -> None:
    told = subprocess.run(
        [*FIRSTLINE, "demo", "--speed", "2", "--folder", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "200 real incidents opened | ServiceNow | looked up the like of 26, proposed it for 9, left 165 alone" in (
        told.stdout
    )
    for words in TOLD:
        assert words in told.stdout
    assert "\x1b[" not in told.stdout
    assert "WRONG" not in told.stdout
    assert not list(marked(tmp_path / "demo"))


def test_ctrl_c_in_the_middle_ends_all_that_was_started(tmp_path: Path) -> None:
    with demo_at_a_terminal(tmp_path / "demo", "1") as (demo, screen):
        wait_for(screen, "breaking it")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 130
    assert not list(marked(tmp_path / "demo"))


def test_at_a_terminal_it_stays_until_ctrl_c_and_then_exits_0(tmp_path: Path) -> None:
    with demo_at_a_terminal(tmp_path / "demo", "10") as (demo, screen):
        shown = wait_for(screen, "Ctrl-C")
        assert "What happened" in shown
        assert len(list(marked(tmp_path / "demo"))) == 5  # three sandboxes, hub, monitor
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    assert not list(marked(tmp_path / "demo"))


@contextmanager
def demo_at_a_terminal(root: Path, speed: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    ours, theirs = pty.openpty()
    command = [*FIRSTLINE, "demo", "--speed", speed, "--folder", str(root)]
    demo = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    try:
        yield demo, ours
    finally:
        demo.kill()
        demo.wait()
        os.close(ours)
        sweep(root)


def wait_for(screen: int, words: str) -> str:
    """Read the terminal until the words stand on it; without its colours."""
    shown = ""
    while words not in shown:
        try:
            chunk = os.read(screen, 65536)
        except OSError:  # the other end is closed: the demo has ended
            chunk = b""
        assert chunk, f"it ended without {words!r}:\n{shown}"
        sys.stdout.write(chunk.decode(errors="replace"))
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown + chunk.decode(errors="replace"))
    return shown
