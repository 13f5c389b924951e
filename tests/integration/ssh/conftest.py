"""One OpenSSH server for all tests here, and executors that know it as `web1`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from firstline.executors.ssh import HostSettings, SshExecutor, SshSettings
from firstline.testing.sshd import Sshd, account, serve

Make = Callable[..., SshExecutor]


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def deploy() -> Iterator[str]:
    """An account that may become anybody by sudo."""
    with account(sudo=True) as name:
        yield name


def executor_for(sshd: Sshd, **changes: Any) -> SshExecutor:
    """Knows the server as `web1`, under its address."""
    fields: dict[str, Any] = {
        "hosts": {"web1": HostSettings(address=sshd.address, port=sshd.port, host_key=sshd.host_key)},
        "user": sshd.user,
        "key": sshd.client_key.read_text(),
        "kill_grace": 0.3,
        "python": "/usr/bin/python3",  # not a shim that takes its time
        "remote_directory": f"{sshd.folder}/runs-of-{changes.get('user', sshd.user)}-{changes.get('become', '')}",
        **changes,
    }
    return SshExecutor(SshSettings(**fields))
