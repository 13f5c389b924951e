import json
from collections.abc import Callable
from pathlib import Path

import pytest

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.runbook import PublicNote, ResolvedRunbook, Runbook, load, resolve

Edited = Callable[[str, str], Runbook]


def test_every_command_and_check_is_complete(folder: Path) -> None:
    runbook = load(folder)
    resolved = resolve(runbook, {"app": "shop"})
    assert resolved.runbook_digest == runbook.digest
    assert resolved.inputs == {"app": "shop", "port": 8080}
    assert resolved.targets == ("shop",)
    (before,) = resolved.before
    assert (before.run, before.http, before.within, before.every, before.timeout) == (
        ("./probe", "8080"),
        None,
        0,
        1,
        30,
    )
    (step,) = resolved.steps
    assert (step.name, step.target, step.executor, step.run) == ("restart", "shop", "command", ("./restart", "shop"))
    assert (step.environment, step.timeout) == ({"PORT": "8080"}, 30)
    (after,) = resolved.after
    assert after.http is not None
    assert (after.http.url, after.http.status, after.http.contains) == ("http://127.0.0.1:8080/", 200, "ok")
    assert (after.within, after.every, after.hold) == (30, 0.5, 2)
    assert resolved.rollback[0].run == ("./restart", "shop", "--previous")
    assert resolved.diagnose[0].run == ("ps", "-C", "shop")
    assert (resolved.limits.timeout, resolved.limits.output) == (300, 65536)


def test_the_change_takes_the_only_target_as_its_item(folder: Path, edited: Edited) -> None:
    change = resolve(load(folder), {"app": "shop"}).change
    assert change is not None
    assert change.model_dump() == {
        "type": "standard",
        "template": "Restart web process",
        "ci": "shop",
        "risk": "The shop is down already.",
        "level": "",
        "backout": "",
        "window": None,
    }
    two = resolve(edited('["${{ inputs.app }}"]', "[a, b]"), {"app": "shop"}).change
    assert two is not None
    assert two.ci == ""
    named = resolve(edited("  type: standard", "  type: standard\n  ci: web-${{ inputs.app }}"), {"app": "shop"}).change
    assert named is not None
    assert named.ci == "web-shop"


def test_a_plan_survives_json_with_its_digest(folder: Path) -> None:
    resolved = resolve(load(folder), {"app": "shop"})
    again = ResolvedRunbook.model_validate(json.loads(resolved.model_dump_json()))
    assert again == resolved
    assert again.digest == resolved.digest


def test_another_input_is_another_digest(folder: Path) -> None:
    runbook = load(folder)
    given: list[dict[str, Json]] = [{"app": "shop"}, {"app": "web"}, {"app": "shop", "port": 1}]
    assert len({resolve(runbook, inputs).digest for inputs in given}) == 3
    assert resolve(runbook, given[0]).digest == resolve(runbook, {"port": 8080, "app": "shop"}).digest


def test_the_customer_is_told_nothing_unless_the_runbook_says_what(folder: Path, edited: Edited) -> None:
    assert not resolve(load(folder), {"app": "shop"}).note.public
    told = edited("limits:", 'note: {public: true, text: "The ${{ inputs.app }} is open."}\nlimits:')
    assert resolve(told, {"app": "shop"}).note == PublicNote(public=True, text="The shop is open.")


def test_targets_are_done_one_after_the_other(edited: Edited) -> None:
    runbook = edited(
        'run: ["./restart", "${{ target }}"]',
        'run: ["./restart", "${{ target }}"]\n  - name: second\n    run: [sync]\n  - name: third\n    run: [env]',
    )
    assert [step.name for step in resolve(runbook, {"app": "shop"}).steps] == ["restart", "second", "third"]


def test_a_list_of_targets_comes_from_one_expression(edited: Edited) -> None:
    runbook = edited('["${{ inputs.app }}"]', '${{ inputs.app.split("-") }}')
    resolved = resolve(runbook, {"app": "b-a-b"})
    assert resolved.targets == ("b", "a")
    assert [step.run for step in resolved.steps] == [("./restart", "b"), ("./restart", "a")]


def test_some_targets_can_be_chosen_but_none_added(edited: Edited) -> None:
    runbook = edited('["${{ inputs.app }}"]', "[a, b, c]")
    assert resolve(runbook, {"app": "x"}, targets=["c", "a"]).targets == ("a", "c")
    for wanted in ([], ["d"], ["a", "d"]):
        with pytest.raises(Rejected, match="asked for"):
            resolve(runbook, {"app": "x"}, targets=wanted)


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ('${{ inputs.app.split("x").filter(each, each == "none") }}', "at least one"),
        ('${{ ["a", ""] }}', "not empty"),
        ('${{ ["a", dyn(1)] }}', "not empty"),
        ("[\"${{ '' }}\"]", "not empty"),
        ('["  "]', "not empty"),
        ('["-oProxyCommand=x"]', "no name of a target"),
        ('["a\\nb"]', "no name of a target"),
        ('["${{ dyn([1]) }}"]', "not empty"),
        ("${{ [0,1,2,3,4,5,6,7,8,9].map(i, string(1 / (i - i))) }}", "divide by zero"),
    ],
)
def test_an_empty_or_doubtful_set_of_targets_is_an_error(edited: Edited, targets: str, words: str) -> None:
    runbook = edited('["${{ inputs.app }}"]', targets)
    with pytest.raises(Rejected, match=words):
        resolve(runbook, {"app": "shop"})


HOSTILE = ["a b", "$(reboot)", "; rm -rf /", "${{ inputs.port }}", "'\"", "a\nb", "--force", "{{ 7 * 7 }}", "%s", "*"]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_one_argument_and_is_read_by_nobody(edited: Edited, value: str) -> None:
    runbook = edited('{type: string, pattern: "[a-z][a-z0-9-]*", max_length: 40}', "{type: string}")
    runbook = edited_targets(runbook)
    resolved = resolve(runbook, {"app": value})
    assert resolved.rollback[0].run == ("./restart", value, "--previous")


def edited_targets(runbook: Runbook) -> Runbook:
    file = runbook.folder / "runbook.yaml"
    text = file.read_text().replace('{type: string, pattern: "[a-z][a-z0-9-]*", max_length: 40}', "{type: string}")
    file.write_text(text.replace('targets: ["${{ inputs.app }}"]', "targets: [shop]"))
    return load(runbook.folder)


@pytest.mark.parametrize("app", ["x@evil.example/", "a b", "a\\b", "a\nb", ":x/", "[", "/"])
def test_a_value_does_not_choose_where_a_request_goes(edited: Edited, app: str) -> None:
    runbook = edited("http://127.0.0.1:${{ inputs.port }}/", "http://${{ inputs.app }}:80/")
    runbook = edited_targets(runbook)
    with pytest.raises(Rejected, match="the shop answers"):
        resolve(runbook, {"app": app})


@pytest.mark.parametrize("inputs", [{}, {"app": "Shop"}, {"app": "shop", "prot": 1}, {"app": "shop", "port": "80"}])
def test_inputs_that_do_not_fit_are_refused(folder: Path, inputs: dict[str, Json]) -> None:
    with pytest.raises(Rejected, match="inputs: "):
        resolve(load(folder), inputs)


def test_a_value_that_cant_be_computed_names_its_command(edited: Edited) -> None:
    runbook = edited('"${{ target }}"', '"${{ 1 / (inputs.port - inputs.port) }}"')
    with pytest.raises(Rejected, match=r"restart: .*divide by zero"):
        resolve(runbook, {"app": "shop"})
