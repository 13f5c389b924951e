"""`firstline guard`: it needs the database alone, also when no hub runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.guard.conftest import World
from typer.testing import CliRunner, Result

from firstline import settings
from firstline.access import Right
from firstline.cli import command_line
from firstline.remediation.hold import switch
from firstline.store.table import REMEDIATION, SWITCH, now

pytestmark = pytest.mark.usefixtures("logs_restored")

Command = Callable[..., Result]


@pytest.fixture
def command(small: World, tmp_path: Path) -> Command:
    (tmp_path / "firstline.toml").write_text(f'[hub]\ndatabase = "{small.database.url}"\nenvironment = "prod"\n')
    small.now = now()
    app = command_line("guard")
    return lambda *arguments: CliRunner().invoke(app, ["guard", *arguments, "-f", str(tmp_path)])


def test_a_stop_holds_and_a_lift_lets_go(small: World, command: Command) -> None:
    case = small.case("web1")
    stopped = command("stop", "service:shop", "--reason", "it deletes too much")
    assert stopped.exit_code == 0
    assert small.holding(case) == ["switch"]
    [row] = small.rows(SWITCH)
    assert (row["by"].partition(":")[0], row["reason"]) == ("os", "it deletes too much")
    assert command("lift", "service:shop", "--reason", "mended").exit_code == 0
    assert small.holding(case) == []


def test_who_is_named_must_be_somebody_who_governs_it(small: World, command: Command) -> None:
    small.person("bob", Right.GOVERN, pack="shop")
    for scope, name, words in (("all", "bob", "bob may not govern all"), ("all", "nobody", "nobody is nobody here")):
        refused = command("stop", scope, "--reason", "x", "--as", name)
        assert (refused.exit_code, words in refused.output) == (1, True), refused.output
    assert small.rows(SWITCH) == []
    assert command("stop", "runbook:shop/restart", "--reason", "x", "--as", "bob").exit_code == 0
    assert small.rows(SWITCH)[0]["by"] == "bob"


def test_a_scope_that_is_none_is_refused_in_words(command: Command) -> None:
    refused = command("stop", "shop", "--reason", "x")
    assert (refused.exit_code, "no scope of a switch" in refused.output) == (1, True)


def test_it_says_of_each_guard_whether_it_holds_and_why(small: World, command: Command, tmp_path: Path) -> None:
    case = small.case("web1")
    assert command("why", case.id).exit_code == 0
    small.throw("all")
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "x.ics").write_text("no calendar")
    said = command("why", case.id)
    assert said.exit_code == 1
    lines = {line.split()[0]: line for line in said.output.splitlines() if line.strip()}
    assert "holds" in lines["switch"]
    assert "holds" in lines["freeze"]
    assert "passes" in lines["lock"]
    assert "not set" in lines["flap"]
    assert "fire drill" in said.output
    assert "x.ics:1" in said.output.replace("\n", "").replace(" ", "")


def test_what_a_reason_says_is_not_for_the_terminal_to_obey(small: World, command: Command) -> None:
    case = small.case("web1")
    small.database.write_now(lambda connection: switch.throw(connection, "all", "ann", "\x1b[2J[/x]"))
    for said in (command("why", case.id).output, command("list").output):
        assert r"\x1b[2J[/x]" in "".join(said.split())
        assert "\x1b" not in said


def test_one_that_has_ended_or_was_never_there_is_told_so(small: World, command: Command) -> None:
    case = small.case("web1")
    small.end(case)
    assert "It has ended" in command("why", case.id).output
    unknown = command("why", "x")
    assert (unknown.exit_code, "there is no remediation x" in unknown.output) == (1, True)


def test_the_list_shows_what_is_stopped_open_locked_and_held(small: World, command: Command) -> None:
    assert "Nothing is stopped" in command("list").output
    held = small.case("web9")
    this = sa.update(REMEDIATION).where(REMEDIATION.c.id == held.id)
    small.do(this.values(holds=[{"guard": "freeze", "why": "Christmas"}]))
    assert small.holding(small.case("web1")) == []
    for _ in range(3):
        small.end(small.case("web2"), "failed")
    small.throw("all")
    shown = command("list").output
    for words in ("stopped     all by ann: fire drill", "open        shop/restart", "locked      web1", "Christmas"):
        assert words in shown, shown


def test_an_override_is_a_named_person_s(small: World, command: Command) -> None:
    small.person("ann", Right.GOVERN)
    case = small.case("web1")
    small.holding(small.case("web1"))
    assert small.holding(case) == ["lock"]
    assert command("override", case.id, "--reason", "the shop is down").exit_code == 2
    assert command("override", case.id, "--reason", "the shop is down", "--as", "nobody").exit_code == 1
    assert small.holding(case) == ["lock"]
    assert command("override", case.id, "--reason", "the shop is down", "--as", "ann").exit_code == 0
    assert small.holding(case) == []


def test_what_init_writes_sets_the_guards_that_a_beginner_wants(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert CliRunner().invoke(command_line("init"), ["init", str(made)]).exit_code == 0
    guards = settings.load(made).guards
    assert (guards.cooldown, guards.flap is not None, guards.storm is not None) == (300, True, True)
    assert guards.rate.hub is not None
    assert settings.load(made).calendars == made / "calendars"


def test_check_names_the_line_of_a_calendar_that_can_not_be_read(tmp_path: Path) -> None:
    made = tmp_path / "made"
    CliRunner().invoke(command_line("init"), ["init", str(made)])
    (made / "calendars").mkdir()
    assert CliRunner().invoke(command_line("check"), ["check", "-f", str(made)]).exit_code == 0
    (made / "calendars" / "x.ics").write_text("BEGIN:VCALENDAR\nfreeze!\nEND:VCALENDAR\n")
    checked = CliRunner().invoke(command_line("check"), ["check", "-f", str(made)])
    assert (checked.exit_code, "x.ics:2: no line of a calendar" in checked.output) == (1, True)
