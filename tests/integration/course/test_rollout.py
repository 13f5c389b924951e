"""Several targets: a canary, batches, so many at once, and some that fail."""

import asyncio
from pathlib import Path

import pytest
from tests.integration.course.stage import Make, Stage
from tests.integration.course.test_stop import comes_back

from firstline.errors import Unavailable
from firstline.executor import Handle, Step
from firstline.remediation.run import procedure
from firstline.runbook.batch import batches
from firstline.testing.executor import until

pytestmark = pytest.mark.anyio

WHOLE = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
description: Leaves a line for each thing it does.
inputs:
  mark: {type: string, max_length: 300}
  host: {type: string}
targets: [web1, web2, web3, web4, web5]
rollout: %s
before: %s
change: {type: standard, template: "Restart web process", risk: "It is down already."}
steps:
  - {name: mend, run: ["./do", "${{ inputs.mark }}", mend, "${{ target }}"]}
  - {name: start, run: ["./do", "${{ inputs.mark }}", start, "${{ target }}"]}
after:
  - {name: it is mended, run: ["./do", "${{ inputs.mark }}", prove, "${{ target }}"]}
rollback:
  - {name: put it back, run: ["./do", "${{ inputs.mark }}", undo, "${{ target }}"]}
diagnose:
  - {name: look, run: ["./do", "${{ inputs.mark }}", look, "${{ target }}"]}
"""
# What a test wants to happen to an act on a target stands in a file of that name.
DO = 'echo "$2 $3" >>"$1/trace"; test ! -e "$1/$2-$3" || . "$1/$2-$3"'
NEEDED = '[{name: it is needed, run: ["test", "!", "-e", "${{ inputs.mark }}/well-${{ target }}"]}]'


async def shop(stage: Make, goes: str, needed: str = "[]") -> Stage:
    return await stage(whole=WHOLE % (goes, needed), scripts={"do": DO})


def trace(shop: Stage, *acts: str) -> list[str]:
    """What was done, in order; of some acts only, where they are named."""
    path = shop.marks / "trace"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if not acts or line.split()[0] in acts]


def fails(shop: Stage, *acts: str, how: str = "exit 3") -> None:
    for act in acts:
        (shop.marks / act).write_text(f"{how}\n")


def done(act: str, *targets: int) -> list[str]:
    return [f"{act} web{number}" for number in targets]


async def test_a_canary_is_proved_before_the_others_begin_and_each_batch_before_the_next(stage: Make) -> None:
    made = await shop(stage, "{canary: 1, batch: 2}")
    await made.incident()
    assert made.row()["outcome"] == "proved"
    goes = [(1,), (2, 3), (4, 5)]
    expected = [
        line
        for go in goes
        for line in [*(f"{act} web{n}" for n in go for act in ("mend", "start")), *(f"prove web{n}" for n in go)]
    ]
    assert trace(made) == expected


async def test_after_a_canary_that_fails_nothing_else_begins_and_it_alone_is_put_back(stage: Make) -> None:
    made = await shop(stage, "{canary: 1, batch: 4, parallel: 4}")
    fails(made, "prove-web1")
    await made.incident()
    assert trace(made) == ["mend web1", "start web1", "prove web1", "undo web1", "look web1"]
    assert made.row()["outcome"] == "failed"
    assert made.row()["reason"].startswith("not proved: it is mended")


async def test_a_target_that_may_fail_does_not_hold_the_rest_and_is_put_back_alone(stage: Make) -> None:
    made = await shop(stage, "{batch: 2, failures: 1}")
    fails(made, "mend-web2")
    await made.incident()
    assert trace(made, "start") == done("start", 1, 3, 4, 5)
    assert trace(made, "undo", "look") == ["undo web2", "look web2"]
    row = made.row()
    assert row["outcome"] == "failed"
    assert "1 of 5 targets failed, the others are proved: mend on web2 failed: exit status 3" in row["reason"]


async def test_when_too_many_have_failed_it_stops_and_what_was_proved_stays(stage: Make) -> None:
    made = await shop(stage, "{batch: 2, failures: 1}")
    fails(made, "mend-web2", "start-web3")
    await made.incident()
    assert trace(made, "mend") == done("mend", 1, 2, 3)
    assert trace(made, "undo") == done("undo", 3, 2)
    assert "2 of 5 targets failed" in made.row()["reason"]


async def test_targets_of_a_batch_are_done_at_once_and_no_more_than_allowed(stage: Make) -> None:
    made = await shop(stage, "{batch: 5, parallel: 2}")
    # Each of the first two waits for the other, and the third for nobody: only two are at it by then.
    meet = 'touch "$1/here-$3"; until test -e "$1/here-{other}"; do sleep 0.01; done; test ! -e "$1/here-web3"'
    (made.marks / "mend-web1").write_text(meet.format(other="web2"))
    (made.marks / "mend-web2").write_text(meet.format(other="web1"))
    (made.marks / "mend-web3").write_text('touch "$1/here-web3"')
    await made.incident()
    assert made.row()["outcome"] == "proved"
    assert sorted(trace(made, "prove")) == done("prove", 1, 2, 3, 4, 5)


async def test_where_the_end_of_one_cant_be_told_the_rest_is_done_and_nothing_put_back(stage: Make) -> None:
    made = await shop(stage, "{batch: 5, failures: 1}")
    fails(made, "mend-web2", how="kill -9 $PPID")
    await made.incident()
    assert made.row()["outcome"] == "unknown"
    assert "web2 was begun; how it ended can't be told" in made.row()["reason"]
    assert trace(made, "prove") == done("prove", 1, 3, 4, 5)
    assert trace(made, "undo") == []


async def test_a_target_where_the_fault_is_not_is_spared(stage: Make) -> None:
    made = await shop(stage, "{batch: 5}", NEEDED)
    (made.marks / "well-web2").touch()
    await made.incident()
    assert made.row()["outcome"] == "proved"
    assert trace(made, "mend") == done("mend", 1, 3, 4, 5)
    assert trace(made, "prove") == done("prove", 1, 3, 4, 5)


async def test_where_the_fault_is_nowhere_nothing_is_done(stage: Make) -> None:
    made = await shop(stage, "{batch: 5}", NEEDED)
    for number in range(1, 6):
        (made.marks / f"well-web{number}").touch()
    await made.incident()
    assert (made.row()["outcome"], trace(made)) == ("not_needed", [])


async def test_a_target_that_cant_be_reached_does_not_hold_the_rest(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await shop(stage, "{batch: 5, failures: 1}")
    monkeypatch.setattr(procedure, "REACH", 0.2)
    lost(made, monkeypatch, "web2")
    await made.incident()
    row = made.row()
    assert (row["outcome"], trace(made, "prove")) == ("failed", done("prove", 1, 3, 4, 5))
    assert "mend on web2 failed: out of reach for 0.2 s: no route to web2" in row["reason"]
    assert trace(made, "undo") == []


async def test_a_rollback_whose_end_cant_be_told_holds_its_own_target_and_no_other(stage: Make) -> None:
    made = await shop(stage, "{batch: 3, parallel: 3}")
    fails(made, "prove-web3")
    fails(made, "undo-web2", how="kill -9 $PPID")
    await made.incident()
    row = made.row()
    assert row["outcome"] == "unknown"
    assert row["reason"].startswith("put it back on web2 was begun; how it ended can't be told")
    assert trace(made, "undo") == done("undo", 3, 2, 1)


async def test_a_diagnosis_whose_end_cant_be_told_leaves_the_rest_as_it_is_known(stage: Make) -> None:
    made = await shop(stage, "{batch: 1}")
    fails(made, "prove-web1")
    fails(made, "look-web1", how="kill -9 $PPID")
    await made.incident()
    assert (made.row()["outcome"], trace(made, "undo")) == ("failed", ["undo web1"])
    assert made.row()["reason"].startswith("not proved: it is mended")


async def test_what_runs_when_the_hub_dies_is_followed_although_another_has_failed(stage: Make) -> None:
    made = await shop(stage, "{batch: 5, parallel: 2}")
    (made.marks / "mend-web1").write_text('until test -e "$1/here"; do sleep 0.01; done; exit 3\n')
    (made.marks / "start-web2").write_text('touch "$1/here"; until test -e "$1/go"; do sleep 0.01; done\n')
    turn = asyncio.ensure_future(made.incident())
    await until(lambda: bool(made.rows()) and "mend on web1: failed (exit status 3)" in made.acts("ran"))
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    (made.marks / "go").touch()
    await comes_back(made)
    steps = [(one["name"], one["target"]) for one in made.row()["findings"]["outcomes"] if one["phase"] == "step"]
    assert ("start", "web2") in steps
    assert trace(made, "undo") == done("undo", 2, 1)


async def test_targets_are_looked_at_as_many_at_once_as_may_be_worked_on(stage: Make) -> None:
    meet = '[{name: it is needed, run: ["./meet", "${{ inputs.mark }}", "${{ target }}"]}]'
    both = 'touch "$1/here-$2"; until test -e "$1/here-web1" -a -e "$1/here-web2"; do sleep 0.01; done'
    made = await stage(whole=WHOLE % ("{batch: 5, parallel: 2}", meet), scripts={"do": DO, "meet": both})
    await made.incident()
    assert made.row()["outcome"] == "proved"


async def test_of_one_that_may_have_begun_before_it_was_lost_nobody_says_that_it_did_not(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await shop(stage, "{batch: 5, failures: 1}")
    monkeypatch.setattr(procedure, "REACH", 0.2)
    lost(made, monkeypatch, "web2", perhaps=True)
    await made.incident()
    assert (made.row()["outcome"], trace(made, "prove")) == ("unknown", done("prove", 1, 3, 4, 5))


def lost(made: Stage, monkeypatch: pytest.MonkeyPatch, target: str, *, perhaps: bool = False) -> None:
    """A host of this name can't be reached; `perhaps` it could be for a moment."""
    executor = made.hub.context.executors["command"]
    start = executor.start

    async def unreachable(step: Step) -> Handle:
        if step.target == target:
            raise Unavailable(f"no route to {target}", perhaps=perhaps)
        return await start(step)

    monkeypatch.setattr(executor, "start", unreachable)


def test_the_plan_says_in_which_goes(tmp_path: Path) -> None:
    targets = ("a", "b", "c", "d", "e")
    assert batches(targets, 0, 1) == (("a",), ("b",), ("c",), ("d",), ("e",))
    assert batches(targets, 2, 2) == (("a", "b"), ("c", "d"), ("e",))
    assert batches(targets, 9, 2) == (targets,)
