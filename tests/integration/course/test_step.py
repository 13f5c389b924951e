"""What steps give to one another, when they are left out, tried again and taken back."""

import pytest
from tests.integration.course.stage import Make, Stage
from tests.integration.course.test_stop import Died, before, comes_back, die, dies

from firstline.remediation.plan import Plan
from firstline.remediation.planning.shown import shown

pytestmark = pytest.mark.anyio

WHOLE = """
id: mend
version: 1.0.0
title: Mend it
owner: team-test
description: Finds what is wrong, and mends it.
inputs:
  mark: {type: string, max_length: 300}
  host: {type: string}
targets: ["${{ inputs.host }}"]
change: {type: standard, template: "Restart web process", risk: "It is down already."}
steps:
%s
%s
"""
FIND = """
  - name: find
    id: find
    run: ["./do", "${{ inputs.mark }}", find]
    outputs:
      pid: {type: integer, minimum: 2, maximum: 99999}
      app: {type: string, pattern: "[a-z]+", default: none}
"""
KILL = """
  - name: kill
    run: ["./do", "${{ inputs.mark }}", kill, "${{ steps.find.pid }} of ${{ target }}"]
    environment: {APP: "${{ steps.find.app }}"}
"""
DO = 'echo "$2 $3 $APP" | sed "s/ *$//" >>"$1/trace"; test ! -e "$1/$2" || . "$1/$2"'


async def shop(stage: Make, steps: str, more: str = "", **files: str) -> Stage:
    """`files`: what happens in an act, by its name."""
    made = await stage(whole=WHOLE % (steps, more), scripts={"do": DO})
    for act, script in files.items():
        (made.marks / act).write_text(f"{script}\n")
    return made


def trace(shop: Stage) -> list[str]:
    path = shop.marks / "trace"
    return path.read_text().splitlines() if path.exists() else []


def plan_of(shop: Stage) -> Plan:
    return Plan.model_validate(shop.row()["plan"])


GIVES = 'printf "pid=4711\\napp=shop\\n" >>"$FIRSTLINE_OUTPUT"'


async def test_what_a_step_gives_is_an_argument_of_the_next(stage: Make) -> None:
    made = await shop(stage, FIND + KILL, find=GIVES)
    await made.incident()
    assert made.row()["outcome"] == "proved"
    assert trace(made) == ["find", "kill 4711 of shop shop"]


async def test_who_approves_sees_what_may_come_there(stage: Make) -> None:
    made = await shop(stage, FIND + KILL, find=GIVES)
    await made.incident()
    seen = "\n".join(shown(plan_of(made)).steps)
    assert "gives pid: integer, minimum 2, maximum 99999, app: string, pattern [a-z]+" in seen
    assert "kill '${{ steps.find.pid }} of ${{ target }}'" in seen


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("pid=1", "pid: must be at least 2, not 1"),
        ("pid=4711; reboot", "pid: must be a number"),
        ("app=shop", "pid: the step did not give it"),
    ],
)
async def test_what_does_not_fit_fails_its_step_and_the_next_does_not_begin(stage: Make, told: str, why: str) -> None:
    made = await shop(stage, FIND + KILL, find=f'echo "{told}" >>"$FIRSTLINE_OUTPUT"')
    await made.incident()
    assert made.row()["outcome"] == "failed"
    assert f"find on shop failed: outputs: {why}" in made.row()["reason"]
    assert trace(made) == ["find"]


async def test_what_a_step_gives_may_be_the_json_it_prints(stage: Make) -> None:
    printed = FIND + "    outputs_from: stdout\n"
    made = await shop(stage, printed + KILL, find='echo noise >&2; echo "{\\"pid\\": 4711, \\"app\\": \\"shop\\"}"')
    await made.incident()
    assert trace(made) == ["find", "kill 4711 of shop shop"]


async def test_a_secret_is_not_given_on(stage: Make) -> None:
    made = await shop(
        stage,
        FIND.replace('pattern: "[a-z]+", ', "") + KILL,
        find='printf "pid=4711\\napp=ghp_abcdefghijklmnopqrstuvwxyz0123\\n" >>"$FIRSTLINE_OUTPUT"',
    )
    await made.incident()
    assert made.row()["outcome"] == "failed"
    assert "app holds a secret" in made.row()["reason"]
    assert trace(made) == ["find"]


async def test_what_is_given_is_never_read_as_a_template(stage: Make) -> None:
    made = await shop(
        stage,
        FIND.replace('pattern: "[a-z]+", ', "") + KILL,
        find="""printf 'pid=4711\\napp=${{ inputs.mark }}\\n' >>"$FIRSTLINE_OUTPUT\"""",
    )
    await made.incident()
    assert trace(made) == ["find", "kill 4711 of shop ${{ inputs.mark }}"]


async def test_after_a_crash_the_next_step_has_what_was_given_before(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await shop(stage, FIND + KILL, find=GIVES)
    before(monkeypatch, "kill", die)
    await dies(made)
    await comes_back(made)
    assert made.row()["outcome"] == "proved"
    assert trace(made) == ["find", "kill 4711 of shop shop"]


async def test_a_step_whose_condition_does_not_hold_is_left_out_and_told(stage: Make) -> None:
    when = "    when: steps.find.pid > 5000\n"
    made = await shop(stage, FIND + KILL + when, find=GIVES)
    await made.incident()
    assert (made.row()["outcome"], trace(made)) == ("proved", ["find"])
    assert "left out: steps.find.pid > 5000 does not hold" in str(made.row()["findings"])


async def test_what_inputs_alone_leave_out_is_not_in_the_plan(stage: Make) -> None:
    step = '\n  - {name: only there, when: target == "other", run: ["./do", "${{ inputs.mark }}", other]}\n'
    made = await shop(stage, FIND + step, find=GIVES)
    await made.incident()
    assert [one.name for one in plan_of(made).runbook.steps] == ["find"]


FLAKY = """
  - name: flaky
    run: ["./do", "${{ inputs.mark }}", flaky]
    idempotent: true
    retries: %d
    pause: 10ms
"""
THIRD = 'test "$(grep -c flaky "$1/trace")" -ge 3'


async def test_a_step_that_may_be_done_twice_is_tried_again(stage: Make) -> None:
    made = await shop(stage, FLAKY % 2, flaky=THIRD)
    await made.incident()
    assert (made.row()["outcome"], trace(made)) == ("proved", ["flaky"] * 3)


async def test_it_is_not_tried_more_often_than_it_says(stage: Make) -> None:
    made = await shop(stage, FLAKY % 1, flaky=THIRD)
    await made.incident()
    assert (made.row()["outcome"], trace(made)) == ("failed", ["flaky"] * 2)


async def test_no_try_begins_when_the_time_for_all_steps_is_over(stage: Make) -> None:
    made = await shop(stage, FLAKY.replace("10ms", "1h") % 9, "limits: {timeout: 200ms}\n", flaky="exit 1")
    await made.incident()
    assert (made.row()["outcome"], trace(made)) == ("failed", ["flaky"])


async def test_after_a_crash_no_try_is_made_twice(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from firstline.remediation.run.attempt import Attempts

    made = await shop(stage, FLAKY % 2, flaky=THIRD)
    end = Attempts.end
    died: list[bool] = []

    async def dying(self: Attempts, *told: object) -> None:
        if not died:
            died.append(True)
            raise Died
        await end(self, *told)  # type: ignore[arg-type]

    monkeypatch.setattr(Attempts, "end", dying)
    await dies(made)
    await comes_back(made)
    assert (made.row()["outcome"], trace(made)) == ("proved", ["flaky"] * 3)


PROVED = """after:
  - {name: it is gone, run: ["./do", "${{ inputs.mark }}", gone, "${{ steps.find.pid }}"]}
rollback:
  - {name: last of all, run: ["./do", "${{ inputs.mark }}", last]}
"""


async def test_a_check_that_needs_what_no_step_gave_proves_nothing(stage: Make) -> None:
    first = FIND.replace("find", "first")
    made = await shop(stage, first + FIND + "    when: steps.first.pid == 1\n", PROVED, first=GIVES)
    await made.incident()
    why = "not proved: it is gone: could not be looked at: steps.find.pid: steps.find.pid has no value here"
    assert (made.row()["outcome"], made.row()["reason"]) == ("failed", why)
    assert trace(made) == ["first", "last"]


UNDONE = """
  - name: one
    run: ["./do", "${{ inputs.mark }}", one]
    undo: {name: not one, run: ["./do", "${{ inputs.mark }}", not-one]}
  - name: two
    run: ["./do", "${{ inputs.mark }}", two]
  - name: three
    run: ["./do", "${{ inputs.mark }}", three]
    undo: {name: not three, run: ["./do", "${{ inputs.mark }}", not-three]}
  - name: four
    run: ["./do", "${{ inputs.mark }}", four]
    undo: {name: not four, run: ["./do", "${{ inputs.mark }}", not-four]}
"""
ROLLBACK = 'rollback:\n  - {name: last of all, run: ["./do", "${{ inputs.mark }}", last]}\n'


async def test_what_was_done_is_taken_back_the_last_first(stage: Make) -> None:
    made = await shop(stage, UNDONE, ROLLBACK, three="exit 1")
    await made.incident()
    assert trace(made) == ["one", "two", "three", "not-three", "not-one", "last"]


async def test_a_rollback_that_broke_off_goes_on_where_it_was(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await shop(stage, UNDONE, ROLLBACK, three="exit 1")
    before(monkeypatch, "not one", die)
    await dies(made)
    await comes_back(made)
    assert trace(made) == ["one", "two", "three", "not-three", "not-one", "last"]
    assert made.row()["outcome"] == "failed"
