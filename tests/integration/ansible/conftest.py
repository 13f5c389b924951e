"""Real playbooks on a real sshd."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from firstline.executors.ansible import AnsibleExecutor, AnsibleSettings, Host
from firstline.testing.peer import need
from firstline.testing.sshd import Sshd, serve

RUNBOOK = Path(__file__).with_name("runbook")


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    need("ssh", package="openssh-client")
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def settings(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> AnsibleSettings:
    """`web1` and `web2` are two names of one host, `dead` does not answer, and nobody has vouched for the key of
    `stranger`."""
    folder = tmp_path_factory.mktemp("ansible")
    known_hosts = folder / "known hosts"
    known_hosts.write_text(sshd.known_hosts)
    web = Host(address=sshd.address, port=sshd.port, python=sys.executable, groups=("webs",))
    return AnsibleSettings(
        directory=folder / "runs",
        known_hosts=known_hosts,
        user=sshd.user,
        private_key=sshd.client_key,
        kill_grace=1.0,
        hosts={
            "web*": web,
            "dead": Host(address=sshd.address, port=1),
            "stranger": Host(address="localhost", port=sshd.port),
        },
    )


@pytest.fixture
async def executor(settings: AnsibleSettings) -> AsyncIterator[AnsibleExecutor]:
    executor = AnsibleExecutor(settings)
    yield executor
    await executor.aclose()
