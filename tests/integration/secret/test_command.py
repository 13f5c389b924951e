"""`firstline secret`, as an operator uses it."""

import io
import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.acceptance.cli.test_wrong_input import run

from firstline import settings
from firstline.store import Database
from firstline.store.table import LEDGER

pytestmark = pytest.mark.usefixtures("logs_restored")

Say = Callable[..., str]
VALUE = "correct-horse-battery"


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    assert run("init", "ops", "--person", "chief", at=tmp_path)[0] == 0
    folder = tmp_path / "ops"
    assert run("secret", "key", "--to", "the.key", at=folder)[0] == 0
    _write(folder, '[secrets]\nkey = "file:the.key"\n')
    return folder


@pytest.fixture
def say(ops: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    def said(*arguments: object, given: str = "", ends: object = 0) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        code, words = run("secret", *arguments, at=ops)
        assert code == ends, words
        return words

    return said


def _write(folder: Path, more: str) -> None:
    with (folder / "firstline.toml").open("a", encoding="utf-8") as file:
        file.write(more)


def ledger(folder: Path) -> list[dict[str, str]]:
    database = Database(settings.load(folder).database)
    try:
        with database.engine.connect() as connection:
            rows = connection.execute(sa.select(LEDGER.c.entry)).scalars()
            return [json.loads(row) for row in rows]
    finally:
        database.close()


def test_a_secret_is_kept_by_name_and_the_ledger_has_the_name_alone(ops: Path, say: Say) -> None:
    assert VALUE not in say("set", "db", given=f"{VALUE}\n")
    assert settings.load(ops).resolve("store:db", "x") == VALUE
    assert "store:db" in say("list")
    say("remove", "db")
    acts = [(each["subject"], each["act"]) for each in ledger(ops) if each["subject"].startswith("secret:")]
    assert acts == [("secret:db", "secret set"), ("secret:db", "secret removed")]
    for path in (each for each in ops.rglob("*") if each.is_file()):
        assert VALUE.encode() not in path.read_bytes(), path


def test_the_key_is_for_its_owner_alone_and_never_written_over(ops: Path, say: Say) -> None:
    assert stat.S_IMODE((ops / "the.key").stat().st_mode) == 0o600
    before = (ops / "the.key").read_text()
    say("key", "--to", "the.key", ends=1)
    assert (ops / "the.key").read_text() == before
    assert len(say("key").strip()) == 44


def test_the_key_is_rotated_as_the_guide_says(ops: Path, say: Say) -> None:
    say("set", "db", given=VALUE)
    say("key", "--to", "new.key")
    toml = ops / "firstline.toml"
    toml.write_text(
        toml.read_text().replace('key = "file:the.key"', 'key = "file:new.key"\nold_keys = ["file:the.key"]')
    )
    assert "wrapped with an old key" in say("check", ends=1)
    assert say("rotate").startswith("1 wrapped anew")
    toml.write_text(toml.read_text().replace('old_keys = ["file:the.key"]', ""))
    assert settings.load(ops).resolve("store:db", "x") == VALUE
    assert "store:db: can be read" in say("check")


def test_check_names_what_cannot_be_read_and_who_else_can_read_the_key(ops: Path, say: Say) -> None:
    (ops / "the.key").chmod(0o644)
    _write(ops, '[secrets.names.api]\nfrom = "env:NO_SUCH_VARIABLE"\npacks = ["web"]\n')
    words = say("check", ends=1)
    assert "secrets.names.api names the environment variable NO_SUCH_VARIABLE, which is not set" in words
    assert f"chmod 600 {ops / 'the.key'}" in words


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        (("set", "db"), "12345\n", "at least 6 characters"),
        (("set", "../db"), VALUE, "a name has"),
        (("remove", "db"), "", "not in the store"),
        (("set", "db", "--as", "nobody"), VALUE, "nobody is nobody here"),
    ],
)
def test_what_is_refused_changes_nothing_and_is_not_in_the_ledger(
    ops: Path, say: Say, arguments: tuple[str, ...], given: str, words: str
) -> None:
    assert words in say(*arguments, given=given, ends=1)
    assert not (ops / "state" / "secrets.json").exists()
    assert not [each for each in ledger(ops) if each["subject"].startswith("secret:")]


def test_without_a_database_the_store_is_written_and_it_is_said_that_no_ledger_tells_it(ops: Path, say: Say) -> None:
    toml = ops / "firstline.toml"
    toml.write_text(toml.read_text().replace("sqlite:///state/firstline.db", "env:NO_SUCH_DATABASE"))
    assert "Not told in the ledger" in say("set", "db", given=VALUE)
    assert "can't be looked up" in say("set", "db", "--as", "chief", given=VALUE, ends=1)
    assert settings.load(ops).resolve("store:db", "x") == VALUE


def test_at_a_terminal_the_value_is_asked_for_and_not_shown(ops: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from firstline.cli import main; main()", "secret", "set", "db"]
    process = subprocess.Popen(command, cwd=ops, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen = b""
    try:
        for asked in (b"The value of db: ", b"Repeat for confirmation: "):
            while asked not in seen:  # its blank comes when nothing is echoed any more
                seen += os.read(ours, 1024)
            os.write(ours, f"{VALUE}\n".encode())
        while b"is kept" not in seen:
            seen += os.read(ours, 1024)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert VALUE.encode() not in seen
    assert settings.load(ops).resolve("store:db", "x") == VALUE
