"""What steps give to later ones: what may be written, and how it is completed."""

from collections.abc import Callable

import pytest

from firstline.declaration import Misdeclarations
from firstline.errors import Misdeclared, Rejected
from firstline.runbook import Command, Runbook, resolve
from firstline.runbook.late import completed, given, goes, pointer

Edited = Callable[[str, str], Runbook]

STEP = '  - name: restart\n    run: ["./restart", "${{ target }}"]\n'
FIND = (
    '  - name: find\n    id: find\n    run: ["./probe", "x"]\n'
    '    outputs: {pid: {type: integer, minimum: 2}, app: {type: string, pattern: "[a-z]+", default: none}}\n'
)


def later(edited: Edited, step: str) -> Runbook:
    """With a step that finds something, and one that uses it."""
    return edited(STEP, FIND + step)


def command(runbook: Runbook) -> Command:
    return resolve(runbook, {"app": "shop"}).steps[1]


USE = '  - name: use\n    run: ["./restart", "${{ steps.find.pid }}", "${{ inputs.app }}"]\n'


def test_only_texts_that_need_a_step_wait_for_it(edited: Edited) -> None:
    use = command(later(edited, USE))
    assert use.run == ("./restart", "${{ steps.find.pid }}", "shop")
    assert use.late == ("run/1",)


def test_they_are_completed_from_what_it_gave(edited: Edited) -> None:
    resolved = resolve(later(edited, USE), {"app": "shop"})
    whole = completed(resolved.steps[1], resolved.types, {"inputs.app": "shop", "steps.find.pid": 4711})
    assert (whole.run, whole.late) == (("./restart", "4711", "shop"), ())


def test_a_value_that_is_missing_is_an_error(edited: Edited) -> None:
    resolved = resolve(later(edited, USE), {"app": "shop"})
    with pytest.raises(Rejected, match=r"steps\.find\.pid has no value here"):
        completed(resolved.steps[1], resolved.types, {"inputs.app": "shop"})


def test_what_looks_like_a_template_in_an_input_is_not_one(edited: Edited) -> None:
    runbook = later(edited, USE.replace("inputs.app", "inputs.app + '${{ steps.find.pid }}'"))
    resolved = resolve(runbook, {"app": "shop"})
    whole = completed(resolved.steps[1], resolved.types, {"inputs.app": "shop", "steps.find.pid": 4711})
    assert whole.run[2] == "shop${{ steps.find.pid }}"


def test_a_plan_with_late_texts_survives_json_with_its_digest(edited: Edited) -> None:
    resolved = resolve(later(edited, USE), {"app": "shop"})
    again = type(resolved).model_validate_json(resolved.model_dump_json())
    assert (again, again.digest) == (resolved, resolved.digest)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"pid": "12"}, {"steps.find.pid": 12, "steps.find.app": "none"}),
        ({"pid": 12, "app": "shop", "more": "x"}, {"steps.find.pid": 12, "steps.find.app": "shop"}),
    ],
)
def test_what_was_given_is_read_as_it_is_declared(
    edited: Edited, told: dict[str, int | str], found: dict[str, object]
) -> None:
    first = resolve(later(edited, USE), {"app": "shop"}).steps[0]
    assert given(first, told) == found


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, "pid: the step did not give it"),
        ({"pid": "1"}, "pid: must be at least 2"),
        ({"pid": "12 "}, "must be a number"),
        ({"pid": "0x10"}, "must be a number"),
        ({"pid": True}, "must be a number"),
        ({"pid": "12", "app": "SHOP"}, "app: does not match"),
    ],
)
def test_what_does_not_fit_is_refused(edited: Edited, told: dict[str, str], why: str) -> None:
    first = resolve(later(edited, USE), {"app": "shop"}).steps[0]
    if told == {"pid": "12 "}:
        assert given(first, told)["steps.find.pid"] == 12  # blanks around a number are no other number
        return
    with pytest.raises(Rejected, match=why):
        given(first, told)


def test_a_condition_that_inputs_decide_is_decided_in_the_plan(edited: Edited) -> None:
    runbook = later(edited, USE + '    when: inputs.app == "other"\n')
    assert [step.name for step in resolve(runbook, {"app": "shop"}).steps] == ["find"]
    assert [step.name for step in resolve(runbook, {"app": "other"}).steps] == ["find", "use"]


def test_one_that_a_step_decides_waits_for_it(edited: Edited) -> None:
    resolved = resolve(later(edited, USE + "    when: steps.find.pid > 5\n"), {"app": "shop"})
    use = resolved.steps[1]
    assert use.when == "steps.find.pid > 5"
    assert [goes(use, resolved.types, {"steps.find.pid": pid}) for pid in (5, 6)] == [False, True]
    with pytest.raises(Rejected):
        goes(use, resolved.types, {})


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (USE.replace("find.pid", "find.pd"), "find.pid"),
        (USE.replace("find.pid", "fnd.pid"), "unknown name"),
        (USE + "    when: steps.find.app\n", "gives string, not true or false"),
        (USE + "    when: steps.find.pid >\n", "Syntax error"),
        (USE + "    retries: 2\n", "idempotent: true"),
        (USE + "    outputs: {x: {type: string}}\n", "need an `id`"),
        (USE + "    id: find\n", "the same `id`"),
        (USE + "    each: batch\n", "takes one target at a time"),
        (USE + "    with: {x: 1}\n", "Extra inputs are not permitted|unknown"),
        ("  - name: nothing\n", "say what is done"),
        (USE + "    sandbox: {writes: [tmp]}\n", "match pattern"),
        (USE + "    secrets: {PGPASSWORD: ../x}\n", "match pattern"),
        (USE + '    undo: {name: back, run: ["./gone"]}\n', "not in the runbook's folder"),
    ],
)
def test_a_fault_is_found_before_it_is_ever_used(edited: Edited, step: str, words: str) -> None:
    with pytest.raises((Misdeclared, Misdeclarations), match=words):
        later(edited, step)


def test_a_step_cant_use_what_comes_after_it(edited: Edited) -> None:
    with pytest.raises((Misdeclared, Misdeclarations), match="unknown name"):
        edited(STEP, USE + FIND)


BEFORE = 'healthy:\n  - {name: x, run: ["./probe", "${{ steps.find.pid }}"]}\ngroup: [shop, b]\n'


def test_nothing_of_a_step_is_known_before_it(edited: Edited) -> None:
    with pytest.raises((Misdeclared, Misdeclarations), match="unknown name"):
        edited("steps:\n", f"{BEFORE}steps:\n{FIND}")


def test_each_batch_has_its_own_steps_and_checks(edited: Edited) -> None:
    runbook = edited('targets: ["${{ inputs.app }}"]', "targets: [a, b, c]\nrollout: {canary: 1, batch: 2}")
    resolved = resolve(runbook, {"app": "shop"})
    assert resolved.goes.batches == (("a",), ("b", "c"))
    assert [(step.target, step.batch) for step in resolved.steps] == [("a", 0), ("b", 1), ("c", 1)]
    assert [(check.target, check.batch) for check in resolved.after] == [("a", 0), ("b", 1), ("c", 1)]


def test_a_place_is_written_as_a_pointer() -> None:
    assert pointer(("parameters", "a/b~c", 0)) == "parameters/a~1b~0c/0"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{source: x, ask: 'select :host', values: {host: '${{ target }}'}, holds: 'value > 1'}", ""),
        ("{source: x, ask: 'select 1', values: {host: '${{ target }}'}, holds: 'value > 1'}", "has no :host"),
        ("{source: x, ask: 'select ${{ target }}', holds: 'value > 1'}", "is written out"),
        ("{source: x, ask: 'select 1', holds: 'valu > 1'}", "is it 'value'"),
        ("{source: x, ask: 'select 1', holds: 'count'}", "not true or false"),
    ],
)
def test_a_question_is_written_out_and_its_values_have_places(edited: Edited, query: str, words: str) -> None:
    old = '    run: ["./probe", "${{ inputs.port }}"]\n'
    if not words:
        assert resolve(edited(old, f"    query: {query}\n"), {"app": "shop"}).before[0].query is not None
        return
    with pytest.raises((Misdeclared, Misdeclarations), match=words):
        edited(old, f"    query: {query}\n")


@pytest.mark.parametrize("address", ["shop", "shop:", ":80", "shop:http", "shop:70000"])
def test_a_port_has_a_host_and_a_number(edited: Edited, address: str) -> None:
    with pytest.raises(Rejected, match="host:port"):
        resolve(edited('    run: ["./probe", "${{ inputs.port }}"]\n', f'    tcp: "{address}"\n'), {"app": "shop"})
