"""A namespace in a real OpenBao, and a hub's settings that lead to it."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from firstline.settings import Settings, load
from firstline.testing.loopback import serve
from firstline.testing.vault import Gateway, OpenBao, Space

PASSWORD = "correct-horse-battery"
READS = ("secret/", "team/kv/", "old/")

Hub = Callable[..., Settings]


@pytest.fixture
def space(bao: OpenBao) -> Space:
    made = bao.space()
    fill(made)
    return made


def fill(space: Space) -> None:
    for mount, version in (("secret", 2), ("team/kv", 2), ("old", 1)):
        space.engine(mount, version)
    keys = {"password": PASSWORD, "port": 5432, "on": True, "deep": {"a": 1}, "none": None, "a b": "odd-name"}
    space.write("secret/data/db", data=keys)
    space.write("team/kv/data/app/db", data={"password": "of-the-nested-mount"})
    space.write("old/app/db", password="of-the-first-version")


@pytest.fixture
def gateway(bao: OpenBao) -> Iterator[tuple[Gateway, str]]:
    """Before the server; with its address."""
    made = Gateway(bao.url)
    with serve(made.app) as address:
        yield made, address


@pytest.fixture
def hub(bao: OpenBao, space: Space, tmp_path: Path) -> Iterator[Hub]:
    """`hub(auth)`: settings whose Vault is the test's namespace."""

    def made(auth: str, url: str = "", more: str = "") -> Settings:
        text = f'[vault]\nurl = "{url or bao.url}"\nnamespace = "{space.name}"\ntimeout = "20s"\n{more}\nauth = {auth}'
        (tmp_path / "firstline.toml").write_text(text, encoding="utf-8")
        settings = load(tmp_path)
        left.callback(settings.references.close)
        return settings

    with ExitStack() as left:
        yield made


@pytest.fixture
def approle(space: Space, monkeypatch: pytest.MonkeyPatch) -> str:
    """An AppRole that may read all; how to sign in with it."""
    enrol(space)
    monkeypatch.setenv("VAULT_SECRET_ID", "the-secret-id")
    return '{method = "approle", role_id = "hub", secret_id = "env:VAULT_SECRET_ID"}'


def enrol(space: Space) -> None:
    space.write("sys/auth/approle", type="approle")
    space.write("auth/approle/role/hub", token_policies=[space.policy(*READS)], token_ttl="10m")
    space.write("auth/approle/role/hub/role-id", role_id="hub")
    space.write("auth/approle/role/hub/custom-secret-id", secret_id="the-secret-id")


class Clock:
    """The monotonic one of this process, so much ahead; all else in the process goes by it as well."""

    def __init__(self) -> None:
        self.ahead, self._real = 0.0, time.monotonic

    def __call__(self) -> float:
        return self._real() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def accessors(space: Space) -> list[str]:
    """Of all tokens in the namespace."""
    found: list[str] = space.list("auth/token/accessors")
    return found


def jwt(**claims: Any) -> str:
    """A service account's token as to its form; who reviews it says whether it is one."""
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts]
    return ".".join([*encoded, base64.urlsafe_b64encode(b"\x01" * 256).decode().rstrip("=")])
