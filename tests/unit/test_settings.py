from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from firstline.errors import Misdeclared
from firstline.settings import Settings, load


def settings_of(folder: Path, text: str) -> None:
    (folder / "firstline.toml").write_text(text, encoding="utf-8")


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings_of(tmp_path, "")
    settings = load(tmp_path)
    assert settings.url == "http://127.0.0.1:8480"
    assert settings.database == f"sqlite:///{tmp_path}/state/firstline.db"
    assert settings.mappings == tmp_path / "mappings"


def test_a_folder_without_the_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Misdeclared, match="firstline init"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hub", "firstline.toml"),
        ("[hub]\nlisen = 'x:1'", "hub.lisen"),
        ("[hub]\nlisten = 'nowhere'", "hub.listen"),
        ("[changes]\nregister = 'absent'", "changes.register"),
        ("[connections.a]\nbase_url = 'x'", "connector"),
        ("[ledger]\norigin = 'our log'", "ledger.origin"),
        ("[ledger]\npublish = ['ftp://a']", "ledger.publish"),
        ("[ledger]\npublish = ['git:https://a:b@c']", "by reference only"),
        ("[connections.'../a']\nconnector = 'jira'", "no name of a connection"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    settings_of(tmp_path, text)
    with pytest.raises(Misdeclared, match=words):
        load(tmp_path)


def test_a_postgresql_url_is_left_as_it_is(tmp_path: Path) -> None:
    settings_of(tmp_path, '[hub]\ndatabase = "postgresql://db/firstline"')
    assert load(tmp_path).database == "postgresql://db/firstline"


def test_a_reference_is_resolved_and_other_text_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_PASSWORD", "from the environment")
    secret = tmp_path / "secret"
    secret.write_text("from the file\n", encoding="utf-8")
    assert Settings().resolve("env:A_PASSWORD", "x") == "from the environment"
    assert Settings().resolve(f"file:{secret}", "x") == "from the file"
    assert Settings().resolve("plain", "x") == "plain"


def test_an_unset_variable_is_named_with_where_it_stands() -> None:
    with pytest.raises(Misdeclared, match=r"connections\.a\.token names the environment variable NO_SUCH_VARIABLE"):
        Settings().resolve("env:NO_SUCH_VARIABLE", "connections.a.token")


def test_an_error_in_a_connection_never_shows_its_secret() -> None:
    class Model(BaseModel, extra="forbid"):
        token: SecretStr

    with pytest.raises(Misdeclared) as caught:
        Settings().typed(Model, {"connector": "x", "token": ["the-secret"], "tokn": "the-secret"}, "connections.a")
    assert "tokn" in str(caught.value)
    assert "the-secret" not in str(caught.value)


def test_what_references_name_is_secret_but_for_addresses_and_names_of_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKEN", "USER_NAME", "ADDRESS", "CLIENT", "HOOK", "URL"):
        monkeypatch.setenv(f"A_{name}", f"the-{name}")
    settings_of(
        tmp_path,
        """
[hub]
database = "env:A_URL"
[connections.a]
connector = "x"
base_url = "env:A_ADDRESS"
user = "env:A_USER_NAME"
webhook_secrets = ["env:A_HOOK", "plain"]
oauth = {client_id = "env:A_CLIENT", client_secret = "env:A_TOKEN"}
[executors.command]
environment = {DATABASE_URL = "env:A_URL"}
""",
    )
    assert sorted(load(tmp_path).secrets) == ["the-HOOK", "the-TOKEN", "the-URL", "the-URL"]


def test_a_file_is_looked_for_in_the_folder_of_firstline_toml(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n", encoding="utf-8")
    settings_of(tmp_path, '[connections.a]\nconnector = "x"\nsecrets = ["file:secret"]\nother = "file:/else/where"')
    table = load(tmp_path).connections["a"]
    assert table["secrets"] == [f"file:{tmp_path}/secret"]
    assert Settings().resolve(table["secrets"][0], "x") == "from the file"
    assert table["other"] == "file:/else/where"
