"""Secrets that Vault keeps, read over real HTTP from a stand-in that is as strict as it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import Misdeclared, Rejected, Unauthorized, Unavailable
from firstline.secret.reference import reference
from firstline.settings import Settings, load
from firstline.testing.loopback import serve
from firstline.testing.vault import Grant, VaultServer


class Clock:
    """Vault's; tests move it."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, list[VaultServer]]]:
    """One server for the module, before whichever Vault a test puts in."""
    current: list[VaultServer] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await VaultServer().app(scope, receive, send)
        else:
            await current[-1].app(scope, receive, send)

    with serve(app) as url:
        yield url, current


@pytest.fixture
def vault(address: tuple[str, list[VaultServer]]) -> VaultServer:
    made = VaultServer(namespace="ops", now=Clock())
    made.engine("secret", 2)
    made.engine("team/kv", 2)
    made.engine("old", 1)
    made.engine("database", 0)
    made.put("secret", "db", {"password": "correct-horse-battery", "port": 5432, "on": True, "deep": {"a": 1}})
    made.put("team/kv", "app/db", {"password": "of-the-nested-mount"})
    made.put("old", "db", {"password": "of-the-first-version"})
    made.put("database", "creds/reader", {"username": "reader", "password": "leased"})
    address[1].append(made)
    return made


ALL = ("secret/", "team/kv/", "old/", "database/", "data/")


@pytest.fixture
def settings(vault: VaultServer, address: tuple[str, list[VaultServer]], tmp_path: Path) -> Callable[[str], Settings]:
    def made(auth: str) -> Settings:
        text = f'[vault]\nurl = "{address[0]}"\nnamespace = "ops"\ntimeout = "5s"\n{auth}'
        (tmp_path / "firstline.toml").write_text(text, encoding="utf-8")
        return load(tmp_path)

    return made


@pytest.fixture
def signed_in(
    vault: VaultServer, settings: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    monkeypatch.setenv("VAULT_SECRET_ID", "the-secret-id")
    vault.roles["approle", "hub", "the-secret-id"] = Grant(ALL, ttl=600)
    found = settings('auth = {method = "approle", role_id = "hub", secret_id = "env:VAULT_SECRET_ID"}')
    yield found
    found.references.close()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("vault:secret/db#password", "correct-horse-battery"),
        ("vault:/secret/db#password", "correct-horse-battery"),
        ("vault:secret/db#port", "5432"),
        ("vault:team/kv/app/db#password", "of-the-nested-mount"),
        ("vault:old/db#password", "of-the-first-version"),
    ],
)
def test_a_reference_is_read_whatever_the_engine_is(signed_in: Settings, text: str, value: str) -> None:
    assert signed_in.resolve(text, "x") == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vault:secret/none#password", "it is not there"),
        ("vault:secret/db#none", "it has no key none; there are: deep, on, password, port"),
        ("vault:secret/db#deep", "it is no text and no number"),
        ("vault:secret/db#on", "it is no text and no number"),
        ("vault:nowhere/db#password", "there is no such mount"),
        ("vault:secret/db", "write vault:secret/db#password"),
        ("vault:secret/../db#password", "write vault:secret/db#password"),
        ("vault:database/creds/reader#password", "leased"),
    ],
)
def test_what_cannot_be_had_is_said_with_where_it_stands_and_never_a_value(
    signed_in: Settings, text: str, words: str
) -> None:
    with pytest.raises(Misdeclared, match=words) as caught:
        signed_in.resolve(text, "connections.a.token")
    assert "connections.a.token" in str(caught.value)
    assert "correct-horse" not in str(caught.value)


def test_a_deleted_version_is_told_as_deleted(vault: VaultServer, signed_in: Settings) -> None:
    vault.engines["secret/"].paths["db"].append(None)
    with pytest.raises(Misdeclared, match="deleted in its newest version"):
        signed_in.resolve("vault:secret/db#password", "x")


def test_the_version_can_be_said_where_the_token_may_not_ask_for_it(
    vault: VaultServer, settings: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", vault.token(Grant(ALL)))
    found = settings('kv = 2\nauth = {method = "token", token = "env:VAULT_TOKEN"}')
    assert found.resolve("vault:secret/db#password", "x") == "correct-horse-battery"
    assert not [path for _, path in vault.asked if path.startswith("sys/")]
    found.references.close()


def test_a_sign_in_that_is_refused_is_told_as_that(vault: VaultServer, signed_in: Settings) -> None:
    vault.roles.clear()
    with pytest.raises(Unauthorized, match=r"signing in at auth/approle: invalid role or secret ID"):
        signed_in.references.read({"it": reference("vault:secret/db#password")})


def test_what_the_policies_forbid_is_refused_and_no_sign_in_is_to_blame(
    vault: VaultServer, signed_in: Settings
) -> None:
    vault.roles["approle", "hub", "the-secret-id"] = Grant(("secret/data/other", "secret/other"), ttl=600)
    with pytest.raises(Rejected, match="permission denied"):
        signed_in.references.read({"it": reference("vault:secret/db#password")})


def test_a_pod_signs_in_with_its_service_accounts_token_as_it_is_then(
    vault: VaultServer, settings: Callable[[str], Settings], tmp_path: Path
) -> None:
    jwt = tmp_path / "jwt"
    jwt.write_text("the-first-jwt\n", encoding="utf-8")
    vault.roles["k8s/prod", "hub", "the-second-jwt"] = Grant(ALL, ttl=600)
    found = settings(f'auth = {{method = "kubernetes", role = "hub", mount = "k8s/prod", jwt = "{jwt}"}}')
    with pytest.raises(Unauthorized):
        found.references.read({"it": reference("vault:old/db#password")})
    jwt.write_text("the-second-jwt\n", encoding="utf-8")
    assert found.resolve("vault:old/db#password", "x") == "of-the-first-version"
    found.references.close()


def test_a_token_that_has_ended_is_made_anew(vault: VaultServer, signed_in: Settings) -> None:
    signed_in.resolve("vault:secret/db#password", "x")
    vault.tokens.clear()
    assert signed_in.resolve("vault:old/db#password", "x") == "of-the-first-version"
    assert len([path for _, path in vault.asked if path.endswith("/login")]) == 2


def test_a_token_that_an_agent_wrote_anew_is_read_again(
    vault: VaultServer, settings: Callable[[str], Settings], tmp_path: Path
) -> None:
    sink = tmp_path / "token"
    sink.write_text(vault.token(Grant(ALL, ttl=60)), encoding="utf-8")
    found = settings(f'auth = {{method = "token", token = "file:{sink}"}}')
    found.resolve("vault:secret/db#password", "x")
    vault.tokens.clear()
    sink.write_text(vault.token(Grant(ALL, ttl=60)) + "\n", encoding="utf-8")
    assert found.resolve("vault:old/db#password", "x") == "of-the-first-version"
    found.references.close()


def test_a_token_that_is_refused_and_no_other_is_there_is_told_as_refused(
    vault: VaultServer, settings: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "hvs.not-a-token-of-this-vault")
    found = settings('auth = {method = "token", token = "env:VAULT_TOKEN"}')
    with pytest.raises(Unauthorized) as caught:
        found.references.read({"it": reference("vault:secret/db#password")})
    assert "hvs." not in str(caught.value)
    found.references.close()


def test_a_token_is_renewed_before_it_ends_though_nobody_reads(
    vault: VaultServer, signed_in: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Clock()
    monkeypatch.setattr("firstline.secret.vault.session.time.monotonic", ours)
    signed_in.resolve("vault:secret/db#password", "x")
    for minute in range(60):
        ours.at = vault.now.at = minute * 60.0  # type: ignore[attr-defined]
        signed_in.references.keep()
    assert len(vault.tokens) == 1
    assert vault.tokens.popitem()[1].ends > ours.at
    assert ("POST", "auth/token/renew-self") in vault.asked


@pytest.mark.parametrize("status", [412, 429, 500, 502, 503])
def test_a_vault_in_trouble_is_unavailable_and_nobody_waits_for_it_again_at_once(
    vault: VaultServer, signed_in: Settings, status: int
) -> None:
    vault.trouble = status
    for _ in range(3):
        with pytest.raises(Unavailable, match=rf"x names vault:secret/db#password: Vault answered {status}"):
            signed_in.resolve("vault:secret/db#password", "x")
    assert len(vault.asked) == 1


def test_no_vault_at_all_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "hvs.any-token-of-this-vault")
    (tmp_path / "firstline.toml").write_text(
        '[vault]\nurl = "http://127.0.0.1:1"\nauth = {method = "token", token = "env:VAULT_TOKEN"}', encoding="utf-8"
    )
    with pytest.raises(Unavailable, match="gives no answer"):
        load(tmp_path).resolve("vault:secret/db#password", "x")


def test_what_is_leased_together_is_one_lease_and_the_next_is_another(signed_in: Settings) -> None:
    both = {"user": reference("vault:database/creds/reader#username"),
            "password": reference("vault:database/creds/reader#password")}  # fmt: skip
    user, password = signed_in.references.read(both)
    assert user.startswith("reader-")
    assert password.startswith("leased-")
    assert signed_in.references.read(both) != [user, password]


def test_tokens_that_vault_gives_are_masked_also_those_it_gave_before(vault: VaultServer, signed_in: Settings) -> None:
    signed_in.resolve("vault:secret/db#password", "x")
    learned: list[str] = []
    signed_in.references.teach(learned.extend)
    vault.tokens.clear()
    signed_in.resolve("vault:old/db#password", "x")
    assert len([token for token in learned if token.startswith("hvs.")]) == 2
    assert "the-secret-id" in signed_in.secrets


def test_a_token_in_the_clear_goes_to_this_machine_alone(settings: Callable[[str], Settings], tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text(
        '[vault]\nurl = "http://vault.example.com"\nauth = {method = "token", token = "env:T"}', encoding="utf-8"
    )
    with pytest.raises(Misdeclared, match="on this machine"):
        load(tmp_path)


def test_a_secret_itself_is_refused_where_a_reference_belongs(tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text(
        '[vault]\nurl = "https://v"\nauth = {method = "token", token = "hvs.the-token-itself"}', encoding="utf-8"
    )
    with pytest.raises(Misdeclared) as caught:
        load(tmp_path)
    assert "hvs." not in str(caught.value)
