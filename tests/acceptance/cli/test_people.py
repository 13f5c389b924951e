"""`firstline people`, as its guide says it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from tests.acceptance.cli.test_wrong_input import run

from firstline import settings
from firstline.access import Right, authenticate
from firstline.store import Database
from firstline.store.table import LEDGER

pytestmark = pytest.mark.usefixtures("logs_restored")

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "people.md"

People = Callable[..., str]


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    assert run("init", "ops", "--person", "chief", at=tmp_path)[0] == 0
    return tmp_path / "ops"


@pytest.fixture
def people(ops: Path) -> People:
    """What a command says; it must succeed, or with `code=1` be refused."""

    def say(*arguments: str, code: int = 0) -> str:
        ended, said = run("people", *arguments, at=ops)
        assert ended == code, said
        return said

    return say


@pytest.fixture
def database(ops: Path) -> Iterator[Database]:
    opened = Database(settings.load(ops).database)
    yield opened
    opened.close()


def acts(database: Database) -> list[tuple[str, str, str]]:
    """The ledger: by whom, about what, which act."""
    found = database.read_now(lambda c: c.execute(sa.select(LEDGER.c.entry).order_by(LEDGER.c.id)).scalars().all())
    return [(each["by"], each["subject"], each["act"]) for each in map(orjson.loads, found)]


def test_the_guide_works_as_it_is_written(people: People, database: Database) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    said: dict[str, str] = {}
    for line in "".join(blocks).splitlines():
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', line)]
        assert words[:2] == ["firstline", "people"]
        said[line] = people(*words[2:])
    shown = said["firstline people show ann"]
    assert "may approve in pack first-steps, through group:sre-core" in shown
    assert "may run in environment prod" in shown
    assert re.search(r" laptop +\d{4}-\d\d-\d\d\b", said["firstline people tokens"])  # whole, in a narrow window too
    tokens = [line.strip() for line in said.values() if line.startswith("fl_")]
    ann, bob = database.read_now(lambda c: [authenticate(c, opens) for opens in tokens])
    assert bob is None  # off in the end
    assert ann
    assert ann.may(Right.APPROVE, pack="first-steps", environment="prod")
    assert not ann.may(Right.RUN)


def test_what_a_token_is_for_may_be_called_anything(people: People) -> None:
    people("token", "chief", "--name", "[/x]")
    assert "[/x]" in people("tokens")


def test_the_ledger_names_the_account_on_the_machine_or_the_person_who_says_so(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    people("add", "ann")
    people("grant", "ann", "see", "--as", "chief")
    assert people("grant", "chief", "run", "--as", "chief", code=1) == (
        "chief can't give that to themselves; somebody else who governs can\n"
    )
    assert people("grant", "ann", "run", "--as", "eve", code=1) == "eve is nobody here, or off\n"
    *_, added, granted = acts(database)
    assert added[0].startswith("os:")
    assert added[0] != "os:somebody-else"
    assert granted == ("chief", "person:ann", "granted")


def test_who_names_themselves_needs_the_right(people: People) -> None:
    for name in ("ann", "bob"):
        people("add", name)
    people("grant", "ann", "approve", "--as", "chief")
    later = ("--until", "2099-12-31T18:00Z", "--reason", "away")
    made = people("delegate", "ann", "bob", *later, "--as", "ann").strip()
    for refused in (
        ("add", "eve"),
        ("off", "bob"),
        ("group", "sre", "add", "bob"),
        ("grant", "bob", "see"),
        ("token", "bob"),
        ("delegate", "chief", "bob", *later),
    ):
        assert "ann may not govern" in people(*refused, "--as", "ann", code=1)
    assert "bob may not govern" in people("undelegate", made, "--as", "bob", code=1)
    people("undelegate", made, "--as", "ann")


def test_what_can_not_be_done_is_said_in_a_line_and_changes_nothing(people: People, database: Database) -> None:
    before = acts(database)
    for arguments, words in (
        (("add", "chief"), "there is a person 'chief' already"),
        (("grant", "eve", "see"), "there is no person and no group 'eve'"),
        (("group", "sre", "remove", "chief"), "chief is not in sre"),
        (("revoke-token", "x"), "there is no token x"),
        (("show", "eve"), "there is no person 'eve'"),
    ):
        assert words in people(*arguments, code=1)
    assert acts(database) == before
