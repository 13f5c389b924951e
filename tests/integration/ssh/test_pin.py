"""Which hosts are spoken to: those whose keys are pinned, by somebody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from tests.integration.ssh.conftest import Web1, executor_for

from firstline.errors import Rejected, Unavailable
from firstline.executor import Step
from firstline.executors.ssh import SshExecutor
from firstline.testing.executor import Bench
from firstline.testing.sshd import Sshd, serve

pytestmark = pytest.mark.anyio

TRUE = Step(id="true", run=("true",), target="web1")


@pytest.fixture
def elsewhere(sshd: Sshd, tmp_path: Path) -> dict[str, Any]:
    """Changes to the settings: keys come from a file."""
    return {
        "hosts": {"web1": {"address": sshd.address, "port": sshd.port}},
        "known_hosts": str(tmp_path / "known_hosts"),
        "remote_directory": str(tmp_path / "kept"),
    }


async def begins(executor: SshExecutor) -> None:
    try:
        await executor.start(TRUE)
    finally:
        await executor.aclose()


def another_key() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


def fingerprint(line: str) -> str:
    return asyncssh.import_public_key(line).get_fingerprint()


async def test_a_key_in_known_hosts_lets_the_host_in(sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(sshd.known_hosts)
    await begins(executor_for(sshd, **elsewhere))


async def test_a_host_whose_key_nobody_pinned_is_no_target(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text(f"web2 {sshd.host_key}\n")
    with pytest.raises(Rejected, match=r"no key is pinned for .*web1"):
        await begins(executor_for(sshd, **elsewhere))


async def test_an_unknown_key_is_refused_with_its_fingerprint_and_is_not_learnt(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text("")
    for _ in range(2):
        with pytest.raises(Rejected, match="no key is pinned") as caught:
            await begins(executor_for(sshd, **elsewhere, allow=["web*"]))
        assert fingerprint(sshd.host_key) in str(caught.value)
    assert (tmp_path / "known_hosts").read_text() == ""


async def test_a_changed_key_is_refused_with_its_fingerprint(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text(f"[{sshd.address}]:{sshd.port} {another_key()}\n")
    with pytest.raises(Rejected, match="not the one pinned") as caught:
        await begins(executor_for(sshd, **elsewhere))
    assert fingerprint(sshd.host_key) in str(caught.value)


async def test_a_revoked_key_is_refused(sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(f"{sshd.known_hosts}@revoked {sshd.known_hosts}")
    with pytest.raises(Rejected, match="revoked"):
        await begins(executor_for(sshd, **elsewhere))


async def test_a_host_without_a_key_of_the_pinned_kind_is_refused(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path
) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode().strip()
    (tmp_path / "known_hosts").write_text(f"[{sshd.address}]:{sshd.port} {other}\n")
    with pytest.raises(Rejected, match="not the one pinned") as caught:
        await begins(executor_for(sshd, **elsewhere))
    assert fingerprint(sshd.host_key) in str(caught.value)


async def test_pins_are_read_again_when_they_have_changed(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text("")
    executor = executor_for(sshd, **elsewhere)
    with pytest.raises(Rejected):
        await executor.start(TRUE)
    (tmp_path / "known_hosts").write_text(sshd.known_hosts)
    await begins(executor)


@pytest.mark.parametrize("content", [None, "web1 no-key-at-all\n", b"\xff\xfe"])
async def test_pins_that_can_not_be_read_are_told(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path, content: str | bytes | None
) -> None:
    if content is not None:
        (tmp_path / "known_hosts").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Rejected, match=r"known_hosts can't be read|no key is pinned"):
        await begins(executor_for(sshd, **elsewhere))


async def test_a_host_that_is_not_allowed_is_no_target_though_its_key_is_pinned(sshd: Sshd) -> None:
    with pytest.raises(Rejected, match="settings: allow"):
        await begins(executor_for(sshd, allow=["db*"]))


async def test_a_key_that_does_not_sign_in_is_told(sshd: Sshd) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(Rejected, match="authorized_keys"):
        await begins(executor_for(sshd, key=stranger))


@pytest.mark.parametrize(("key", "words"), [("", "there is no private key"), ("none", "can't be read")])
async def test_without_a_private_key_nothing_is_tried(sshd: Sshd, key: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        await begins(executor_for(sshd, key=key))


async def test_a_locked_private_key_is_opened_with_its_passphrase(sshd: Sshd, tmp_path: Path) -> None:
    key = asyncssh.read_private_key(sshd.client_key).export_private_key("pkcs8-pem", "s3cret-words").decode()
    with pytest.raises(Rejected, match="can't be read") as caught:
        await begins(executor_for(sshd, key=key, passphrase="wr0ng-words"))
    assert "wr0ng-words" not in str(caught.value)
    await begins(executor_for(sshd, key=key, passphrase="s3cret-words", remote_directory=str(tmp_path / "kept")))


async def test_a_host_that_is_down_is_unavailable(sshd: Sshd) -> None:
    nowhere = {"web1": {"address": sshd.address, "port": 1, "host_key": sshd.host_key}}
    with pytest.raises(Unavailable, match="can't be reached"):
        await begins(executor_for(sshd, hosts=nowhere))


# certificates


@pytest.fixture(scope="module")
def authority() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture(scope="module")
def certified(authority: asyncssh.SSHKey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that trusts the authority, and has a certificate of it, for the name `web1`."""
    folder = tmp_path_factory.mktemp("authority")
    options = f"TrustedUserCAKeys {folder}/ca.pub\nHostCertificate {folder}/host-cert.pub\nAuthorizedKeysFile none\n"
    (folder / "ca.pub").write_bytes(authority.export_public_key())
    with serve(options=options) as server:
        host_key = asyncssh.read_private_key(server.folder / "host_key")
        certificate = authority.generate_host_certificate(host_key, "host", principals=["web1"])
        (folder / "host-cert.pub").write_bytes(certificate.export_certificate())
        server.kill()
        server.start()
        yield server


def of(authority: asyncssh.SSHKey, sshd: Sshd, user: str) -> str:
    key = asyncssh.read_private_key(sshd.client_key)
    return authority.generate_user_certificate(key, "user", principals=[user]).export_certificate().decode()


async def test_certificates_of_an_authority_are_trusted_on_both_sides(
    certified: Sshd, authority: asyncssh.SSHKey, tmp_path: Path
) -> None:
    (tmp_path / "known_hosts").write_text(f"@cert-authority web* {authority.export_public_key().decode()}")
    executor = executor_for(
        certified,
        hosts={"web1": {"address": certified.address, "port": certified.port}},
        known_hosts=str(tmp_path / "known_hosts"),
        certificate=of(authority, certified, certified.user),
        remote_directory=str(tmp_path / "kept"),
    )
    await begins(executor)


async def test_a_certificate_for_another_account_does_not_sign_in(certified: Sshd, authority: asyncssh.SSHKey) -> None:
    with pytest.raises(Rejected, match="does not let the hub in"):
        await begins(executor_for(certified, certificate=of(authority, certified, "somebody")))


# jump hosts


async def test_a_host_is_reached_through_a_jump_host(sshd: Sshd, tmp_path: Path) -> None:
    with serve(client_key=sshd.client_key) as gate:
        hosts = {
            "gate": {"address": gate.address, "port": gate.port, "host_key": gate.host_key},
            "web1": {"address": sshd.address, "port": sshd.port, "host_key": sshd.host_key, "jump": "gate"},
        }
        bench = Web1(lambda: executor_for(sshd, hosts=hosts, remote_directory=str(tmp_path / "kept")))
        assert (await bench.end(await bench.start(("true",)))).exit_status == 0
        assert gate.sessions == 1
        await bench.aclose()


async def test_a_jump_host_with_another_key_is_refused(sshd: Sshd) -> None:
    hosts = {
        "gate": {"address": sshd.address, "port": sshd.port, "host_key": another_key()},
        "web1": {"address": sshd.address, "port": sshd.port, "host_key": sshd.host_key, "jump": "gate"},
    }
    with pytest.raises(Rejected, match=r"gate .* not the one pinned"):
        await begins(executor_for(sshd, hosts=hosts))


async def test_a_host_behind_a_jump_host_that_is_down_is_unavailable(sshd: Sshd) -> None:
    hosts = {
        "gate": {"address": sshd.address, "port": sshd.port, "host_key": sshd.host_key},
        "web1": {"address": sshd.address, "port": 1, "host_key": sshd.host_key, "jump": "gate"},
    }
    with pytest.raises(Unavailable, match=r"web1 .*through gate can't be reached"):
        await begins(executor_for(sshd, hosts=hosts))


async def test_nothing_of_the_account_of_the_hub_is_used(
    sshd: Sshd, elsewhere: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench
) -> None:
    home = tmp_path / "home" / ".ssh"
    home.mkdir(parents=True)
    (home / "known_hosts").write_text(sshd.known_hosts)
    (home / "config").write_text(f"Host *\n  IdentityFile {sshd.client_key}\n")
    (home / "id_ed25519").write_bytes(sshd.client_key.read_bytes())
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(Rejected, match="no key is pinned"):
        await begins(executor_for(sshd, **{**elsewhere, "known_hosts": None}, allow=["*"]))
    with pytest.raises(Rejected, match="there is no private key"):
        await begins(executor_for(sshd, key=""))
