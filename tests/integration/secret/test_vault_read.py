"""What Vault keeps, read from a real server: each kind of engine, mount, path, version and value."""

from typing import Any

import pytest
import sqlalchemy as sa
from tests.integration.secret.conftest import PASSWORD, Hub

from firstline.errors import Misdeclared, Rejected
from firstline.secret.reference import reference
from firstline.settings import Settings
from firstline.testing.vault import Gateway, Space


@pytest.fixture
def signed_in(hub: Hub, approle: str) -> Settings:
    return hub(approle)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("vault:secret/db#password", PASSWORD),
        ("vault:/secret/db/#password", PASSWORD),
        ("vault:secret/db#port", "5432"),
        ("vault:secret/db#a b", "odd-name"),
        ("vault:team/kv/app/db#password", "of-the-nested-mount"),
        ("vault:old/app/db#password", "of-the-first-version"),
    ],
)
def test_a_reference_is_read_whatever_the_engine_is(signed_in: Settings, space: Space, text: str, value: str) -> None:
    assert signed_in.resolve(text, "x") == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("vault:secret/none#password", r"secret/none#password: it is not there$"),
        ("vault:secret/data/db#password", "it is not there; a path has no data/ after its mount: write secret/db"),
        ("vault:secret/db#none", "it has no key none; there are: a b, deep, none, on, password, port"),
        ("vault:secret/db#deep", "it is no text and no number"),
        ("vault:secret/db#on", "it is no text and no number"),
        ("vault:old/none#password", "it is not there"),
        ("vault:nowhere/db#password", "there is no such mount"),
        ("vault:secret/db", "write vault:secret/db#password"),
        ("vault:secret/../db#password", "write vault:secret/db#password"),
    ],
)
def test_what_cannot_be_had_is_said_with_where_it_stands_and_never_a_value(
    signed_in: Settings, text: str, words: str
) -> None:
    with pytest.raises(Misdeclared, match=words) as caught:
        signed_in.resolve(text, "connections.a.token")
    assert "connections.a.token" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_the_newest_version_is_read(signed_in: Settings, space: Space) -> None:
    space.write("secret/data/db", data={"password": "the-second-one"})
    assert signed_in.resolve("vault:secret/db#password", "x") == "the-second-one"


def test_a_deleted_version_is_told_as_deleted_and_can_come_back(signed_in: Settings, space: Space) -> None:
    space.write("secret/delete/db", versions=[1])
    with pytest.raises(Misdeclared, match="deleted in its newest version; undelete it, or write it anew"):
        signed_in.resolve("vault:secret/db#password", "x")
    space.write("secret/undelete/db", versions=[1])
    assert signed_in.resolve("vault:secret/db#password", "x") == PASSWORD


def test_a_destroyed_version_is_told_as_that_for_nothing_brings_it_back(signed_in: Settings, space: Space) -> None:
    space.write("secret/destroy/db", versions=[1])
    with pytest.raises(Misdeclared, match="destroyed in its newest version; write it anew"):
        signed_in.resolve("vault:secret/db#password", "x")


def test_a_policy_for_one_secret_alone_is_enough(hub: Hub, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", space.token("secret/data/db", "team/kv/data/app/db"))
    found = hub('{method = "token", token = "env:VAULT_TOKEN"}')
    assert found.resolve("vault:secret/db#password", "x") == PASSWORD
    assert found.resolve("vault:team/kv/app/db#password", "x") == "of-the-nested-mount"
    with pytest.raises(Misdeclared, match="permission denied"):
        found.resolve("vault:secret/other#password", "x")
    with pytest.raises(Misdeclared, match="there is no such mount, or the policies of the hub's token don't cover it"):
        found.resolve("vault:old/app/db#password", "x")


def test_the_version_can_be_said_where_the_token_may_not_ask_for_it(
    hub: Hub, approle: str, gateway: tuple[Gateway, str]
) -> None:
    served, address = gateway
    found = hub(approle, address, "kv = 2")
    assert found.resolve("vault:secret/db#password", "x") == PASSWORD
    assert not [path for _, path in served.asked if path.startswith("sys/")]


def test_where_the_version_was_said_wrongly_the_words_lead_there(hub: Hub, approle: str) -> None:
    with pytest.raises(Misdeclared, match=r"is its engine a versioned one, and vault\.kv = 1"):
        hub(approle, more="kv = 1").resolve("vault:secret/db#password", "x")


def test_another_namespace_has_none_of_it(hub: Hub, approle: str, space: Space, bao: Any) -> None:
    space.name = bao.space().name
    with pytest.raises(Misdeclared, match="signing in at auth/approle: permission denied"):
        hub(approle).resolve("vault:secret/db#password", "x")


@pytest.mark.parametrize("auth", ['{method = "token", token = "env:VAULT_TOKEN"}', "approle"])
def test_a_namespace_that_is_not_there_is_named(
    hub: Hub, approle: str, space: Space, auth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", space.token("secret/"))
    space.name = "nowhere"
    with pytest.raises(Misdeclared, match="namespace not found"):
        hub(approle if auth == "approle" else auth).resolve("vault:secret/db#password", "x")


def test_what_is_leased_together_is_one_lease_and_the_next_is_another(
    hub: Hub, space: Space, postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sa.make_url(postgres.get_uri()).query["host"]
    space.write("sys/mounts/database", type="database")
    space.write(
        "database/config/shop",
        plugin_name="postgresql-database-plugin",
        allowed_roles=["reader"],
        connection_url=f"postgresql://{{{{username}}}}@/postgres?host={folder}",
        username="postgres",
    )
    create = "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"
    space.write("database/roles/reader", db_name="shop", creation_statements=[create], default_ttl="1h")
    monkeypatch.setenv("VAULT_TOKEN", space.token("database/creds/reader"))
    references = hub('{method = "token", token = "env:VAULT_TOKEN"}').references

    both = {key: reference(f"vault:database/creds/reader#{key}") for key in ("username", "password")}
    user, password = references.read(both)
    url = sa.make_url(postgres.get_uri()).set(drivername="postgresql+psycopg", username=user, password=password)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT current_user")).scalar() == user
    engine.dispose()
    assert references.read(both) != [user, password]
    with pytest.raises(Misdeclared, match="it is leased and will end"):
        references.resolve("vault:database/creds/reader#password", "connections.a.token")


def test_a_refusal_for_runbooks_is_no_fault_of_the_sign_in(hub: Hub, approle: str, space: Space) -> None:
    space.write("auth/approle/role/hub", token_policies=[space.policy("secret/data/other")])
    with pytest.raises(Rejected, match="permission denied"):
        hub(approle).references.read({"it": reference("vault:secret/db#password")})
