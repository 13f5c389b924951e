import pytest

from firstline.change.policy import decide
from firstline.runbook import Change

STANDARD = Change(type="standard", template="Restart web process", ci="", risk="", backout="")
DIGEST = "0f1e2d3c4b5a" + "0" * 52


def decided(declared: Change | None, pinned: str | None = None, require_pin: bool = True) -> tuple[str, str, str]:
    made = decide(declared, pinned=pinned, require_pin=require_pin, runbook="shop/restart-web", digest=DIGEST)
    return made.type, made.template, made.reason


def test_a_runbook_that_only_reads_needs_no_change() -> None:
    assert decided(None, pinned="Any") == ("none", "", "")


def test_a_pinned_version_is_a_standard_change_under_the_template_of_its_pin() -> None:
    assert decided(STANDARD, pinned="Approved template") == ("standard", "Approved template", "")


def test_an_unknown_digest_falls_back_to_a_normal_change_and_says_what_to_do() -> None:
    type_, template, reason = decided(STANDARD)
    assert (type_, template) == ("normal", "")
    assert "digest 0f1e2d3c4b5a" in reason
    assert "`firstline change pin shop/restart-web`" in reason


def test_where_no_pin_is_required_the_declared_template_stands() -> None:
    assert decided(STANDARD, require_pin=False) == ("standard", "Restart web process", "")


@pytest.mark.parametrize("type_", ["normal", "emergency"])
def test_a_pin_never_makes_a_change_easier_than_its_runbook_declares(type_: str) -> None:
    declared = STANDARD.model_copy(update={"type": type_, "template": ""})
    assert decided(declared, pinned="Approved template") == (type_, "", "")
