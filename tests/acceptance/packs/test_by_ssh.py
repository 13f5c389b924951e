"""The same packs on a host that is reached by SSH: the executor `hosts` of the one is `ssh`, of the other `command`."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import Bench, Runit
from tests.acceptance.packs.tls import Server

from firstline.executors.ssh import SshExecutor, SshSettings
from firstline.testing.sshd import Sshd, serve

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with serve() as server:
        yield server


@pytest.fixture
async def remote(sshd: Sshd, tmp_path: Path) -> AsyncIterator[Bench]:
    web1 = {"address": sshd.address, "port": sshd.port, "host_key": sshd.host_key}
    told = {"hosts": {"web-1": web1}, "user": sshd.user, "key": sshd.client_key.read_text()}
    told |= {"python": "/usr/bin/python3", "remote_directory": str(tmp_path / "kept")}
    executor = SshExecutor(SshSettings.model_validate(told))
    yield Bench({"hosts": executor})
    await executor.aclose()


@pytest.fixture
def server(runit: Runit, ports: Callable[[], int], tmp_path: Path) -> Server:
    return Server(runit, ports(), tmp_path)


async def test_a_step_hears_of_the_one_before_and_its_script_finds_the_others(
    remote: Bench, runit: Runit, server: Server
) -> None:
    before = server.certificate.read_text()
    remote.patience = 0.1
    elsewhere = runit.start("elsewhere", "trap : HUP; while :; do sleep 1000 & wait; done")
    played = await remote.play("web/expired-certificate", **(server.inputs | {"unit": str(elsewhere)}))
    assert played.outcome == "failed"
    assert server.certificate.read_text() == before
    assert "was asked to read its files again" in played.said["put the one before back"]
