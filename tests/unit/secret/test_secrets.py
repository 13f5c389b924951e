"""Which runbook may have which secret, and what it is at the last moment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstline.errors import Misdeclared, Rejected
from firstline.masking import MASK, Masker
from firstline.secret import Secrets
from firstline.settings import Settings, load

pytestmark = pytest.mark.anyio

NAMES = """
[secrets.names.db-password]
from = "env:DB_PASSWORD"
packs = ["db"]
executors = ["ssh"]
[secrets.names.any]
from = "file:secrets/any"
packs = ["db", "web"]
[secrets.names.nobody]
from = "store:nobody"
packs = []
[secrets.names.short]
from = "env:SHORT"
packs = ["db"]
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DB_PASSWORD", "correct-horse-battery")
    monkeypatch.setenv("SHORT", "1234")
    (tmp_path / "firstline.toml").write_text(NAMES, encoding="utf-8")
    return load(tmp_path)


@pytest.fixture
def mask() -> Masker:
    return Masker()


@pytest.fixture
def secrets(settings: Settings, mask: Masker) -> Iterator[Secrets]:
    made = Secrets(settings.secrets_.names, settings.references, mask.learn)
    yield made
    made.close()


@pytest.mark.parametrize(("pack", "executor", "name"), [("db", "ssh", "db-password"), ("web", "command", "any")])
def test_who_is_named_may_have_it(secrets: Secrets, pack: str, executor: str, name: str) -> None:
    secrets.check(pack, executor, name)


@pytest.mark.parametrize(
    ("pack", "executor", "name", "words"),
    [
        ("web", "ssh", "db-password", "the pack web may not"),
        ("db", "command", "db-password", "not for the executor command"),
        ("db", "ssh", "nobody", "the pack db may not"),
        ("db", "ssh", "absent", r"no \[secrets.names.absent\]"),
    ],
)
def test_nobody_else_may(secrets: Secrets, pack: str, executor: str, name: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        secrets.check(pack, executor, name)


async def test_a_secret_is_masked_before_anybody_has_it(secrets: Secrets, mask: Masker) -> None:
    assert mask("it is correct-horse-battery") == "it is correct-horse-battery"
    found = await secrets.resolve("db-password")
    assert found.get_secret_value() == "correct-horse-battery"
    assert mask("it is correct-horse-battery") == f"it is {MASK}"


async def test_it_is_what_it_is_at_that_moment(secrets: Secrets, settings: Settings) -> None:
    with pytest.raises(Rejected, match=r"the secret any names the file .*secrets/any, which can't be read"):
        await secrets.resolve("any")
    (settings.folder / "secrets").mkdir()
    for value in ("the-first-one", "the-second-one"):
        (settings.folder / "secrets" / "any").write_text(f"{value}\n", encoding="utf-8")
        assert (await secrets.resolve("any")).get_secret_value() == value


async def test_what_could_not_be_masked_is_not_given(secrets: Secrets) -> None:
    with pytest.raises(Rejected, match="less than 6 characters"):
        await secrets.resolve("short")


async def test_a_store_without_a_key_says_how_to_make_one(secrets: Secrets, settings: Settings) -> None:
    (settings.folder / "state").mkdir()
    (settings.folder / "state" / "secrets.json").write_text(
        '{"secrets": {"nobody": {"version": 1, "at": "", "key": "", "wrapped": "", "sealed": ""}}}', encoding="utf-8"
    )
    with pytest.raises(Rejected, match="firstline secret key"):
        await secrets.resolve("nobody")


def test_another_reference_or_another_pack_is_drift(settings: Settings, tmp_path: Path) -> None:
    before = settings.digests
    for changed in (NAMES.replace("DB_PASSWORD", "OTHER"), NAMES.replace('["db"]\nexec', '["db", "web"]\nexec')):
        (tmp_path / "firstline.toml").write_text(changed, encoding="utf-8")
        after = load(tmp_path).digests
        assert after["secret db-password"] != before["secret db-password"]
        assert after["secret any"] == before["secret any"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[secrets.names.a]\nfrom = "itself"\npacks = []', "write env:NAME"),
        ('[secrets.names.a]\nfrom = "vault:db"\npacks = []', "write vault:secret/db#password"),
        ('[secrets.names.a]\nfrom = "env:A"', "packs"),
        ('[secrets.names."a b"]\nfrom = "env:A"\npacks = []', "names"),
        ('[secrets]\nkey = "the-key-itself"', "env:NAME or file:PATH"),
        ('[secrets]\nkey = "store:key"', "env:NAME or file:PATH"),
    ],
)
def test_a_mistake_in_the_settings_is_named_and_not_quoted(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "firstline.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Misdeclared, match=words) as caught:
        load(tmp_path)
    assert "itself" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"correct-horse\n", "correct-horse"),
        (b"correct-horse\r\n", "correct-horse"),
        (b"\xef\xbb\xbfcorrect-horse", "correct-horse"),
        (b" two words \n\n", " two words "),
    ],
)
def test_a_file_is_read_as_it_was_meant(settings: Settings, content: bytes, value: str) -> None:
    path = settings.folder / "it"
    path.write_bytes(content)
    assert settings.resolve(f"file:{path}", "x") == value


@pytest.mark.parametrize("content", [b"correct\0horse", b"correct-\xff-horse"])
@pytest.mark.parametrize("scheme", ["env", "file"])
def test_what_is_no_text_is_refused_and_not_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, scheme: str, content: bytes
) -> None:
    path = settings.folder / "it"
    path.write_bytes(content)
    monkeypatch.setattr("os.environ", {"IT": os.fsdecode(content)})
    with pytest.raises(Misdeclared, match="UTF-8 text") as caught:
        settings.resolve("env:IT" if scheme == "env" else f"file:{path}", "x")
    assert "horse" not in str(caught.value)


def test_a_secret_too_short_to_be_masked_is_found_wherever_it_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text(
        f'{NAMES}[connections.a]\nconnector = "pagerduty"\ntoken = "env:SHORT"\n', encoding="utf-8"
    )
    found = {each.subject: each.message for each in load(tmp_path).look_at_secrets() if not each.ok}
    short = "has less than 6 characters: it is not masked where it shows"
    assert (found["connections.a.token"], found["secrets.names.short"]) == (short, short)
