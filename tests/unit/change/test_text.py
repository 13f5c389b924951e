"""What who approves a change reads."""

import pytest
from tests.unit.change.conftest import MakeCase, check, command

from firstline.change.text import FIELD, TITLE, cut, draft, fitting, joined
from firstline.runbook import Change, Limits

PLAN, RUNBOOK = "a" * 64, "d" * 64
LONG = "x" * 16_000


def test_a_draft_says_what_runs_where_for_what_and_how_it_is_proved(make_case: MakeCase) -> None:
    made = draft(make_case(url="https://hub/r/1"), "key-1", tried=False)
    assert (made.type, made.template, made.ci, made.tried) == ("standard", "Restart", "shop", False)
    assert made.short_description == "Restart a hung web process: INC0012345 The shop does not answer"
    assert made.description == (
        "Stops it, starts it.\n\n"
        f"Plan: {PLAN}. Only this plan runs under this change.\n"
        f"Runbook: restart-web 1.2.0, digest {RUNBOOK}.\n"
        "On it: team-shop; followed at https://hub/r/1.\n"
        "Environment: prod.\n"
        "Targets (1): shop1.\n"
        "Proved by: it answers on shop1."
    )
    assert made.implementation_plan == (
        f"Plan {PLAN}\nChecked first, and not begun unless: it hangs.\n1. restart on shop1: ./restart 'the shop'"
    )
    assert made.test_plan == "1. it answers on shop1, within 30 s, and still after 2 min: ./probe"
    assert made.incident is not None


def test_the_justification_names_the_fault_the_mapping_and_who_lets_it_go(make_case: MakeCase) -> None:
    case = make_case(approvers="let go by ann and ben of sre-core")
    assert draft(case, "k", tried=True).justification == (
        f"It mends INC0012345 The shop does not answer, priority 2 (servicenow {'0' * 32}).\n"
        "Matched by shop/web-hung, which works in mode approve.\n"
        "Let go by ann and ben of sre-core."
    )


def test_why_it_is_no_standard_change_and_which_guards_it_passed_stand_where_an_approver_reads(
    make_case: MakeCase,
) -> None:
    told = draft(make_case(reason="not pinned", guards=("freeze", "lock")), "k", tried=True).description
    assert "\nType: not pinned.\n" in told
    assert "nothing held it: freeze, lock." in told


def test_risk_tells_how_much_it_touches_of_what_there_is(make_case: MakeCase) -> None:
    runbook = {"group": ("shop1", "shop2", "shop3"), "healthy": (check("answers", "./probe"),)}
    made = draft(make_case(runbook=runbook), "k", tried=True)
    assert made.risk_and_impact == (
        "Sessions are lost.\n\nIt touches 1 target of 3 that do the same work, and stops after 60 s. "
        "The rest must be healthy first: answers. A failure is not rolled back by itself."
    )


def test_a_rollback_stands_in_the_backout_plan_as_it_will_run(make_case: MakeCase) -> None:
    runbook = {"rollback": (command("put it back", "./back", "v1"),), "limits": Limits(timeout=600, output=1)}
    made = draft(make_case(runbook=runbook), "k", tried=True)
    assert made.backout_plan.endswith("this runs by itself:\n1. put it back on shop1: ./back v1")
    assert "10 min" in made.risk_and_impact
    assert "not rolled back" not in made.risk_and_impact


def test_where_nothing_is_undone_it_says_so(make_case: MakeCase) -> None:
    made = draft(make_case(), "k", tried=True)
    assert made.backout_plan == "None: nothing is undone by itself. team-shop is called."


@pytest.mark.parametrize(
    "runbook",
    [
        {"description": LONG, "title": LONG},
        {"steps": tuple(command(f"step {n}", "./do", LONG) for n in range(50))},
        {"rollback": tuple(command(f"undo {n}", "./undo", LONG) for n in range(50))},
        {"after": tuple(check(f"check {n}", "./probe", LONG) for n in range(50))},
        {"before": tuple(check(f"check {n} {'y' * 190}", "./probe") for n in range(50))},
        {"targets": tuple(f"host{n}.{'z' * 200}" for n in range(1000))},
        {"change": Change(type="normal", template="", ci="", risk=LONG, backout=LONG)},
    ],
    ids=["prose", "steps", "rollback", "checks", "conditions", "targets", "declared"],
)
def test_no_field_is_longer_than_it_may_be_and_the_digests_and_the_first_steps_stay(
    make_case: MakeCase, runbook: dict[str, object]
) -> None:
    made = draft(make_case(runbook=runbook, guards=("freeze " * 50,) * 50, reason="r"), "k", tried=True)
    fields = (made.description, made.justification, made.risk_and_impact, made.backout_plan)
    assert all(len(text) <= FIELD for text in fields)
    # A connector may have to repeat the test plan in the implementation plan, under a heading.
    assert len(made.implementation_plan) + len(made.test_plan) + 40 <= FIELD
    assert len(made.short_description) <= TITLE
    assert PLAN in made.description
    assert RUNBOOK in made.description
    assert made.implementation_plan.startswith(f"Plan {PLAN}\n")
    assert "\n1. " in made.implementation_plan


def test_steps_that_are_left_out_are_counted(make_case: MakeCase) -> None:
    runbook = {"steps": tuple(command(f"step {n}", "./do", "y" * 500) for n in range(1, 31))}
    lines = draft(make_case(runbook=runbook), "k", tried=True).implementation_plan.splitlines()
    shown = [line for line in lines if line[0].isdigit()]
    assert lines[-1] == f"... and {30 - len(shown)} more; the plan has them all: {PLAN}"


def test_a_runbook_that_only_reads_has_no_draft(make_case: MakeCase) -> None:
    with pytest.raises(ValueError, match="only reads"):
        draft(make_case(runbook={"change": None}), "k", tried=True)


def test_lists_and_texts_are_cut_only_where_they_must_be() -> None:
    assert cut("12345678", 8) == "12345678"
    assert cut("123456789", 8) == "1234 ..."
    assert joined(["a", "b", "c"], 9) == "a, b, c"
    assert joined(["a", "b", "c"], 6) == "a, b and 1 more"
    assert fitting(["a", "b"], 100, "more") == ["a", "b"]
