"""One OpenSSH server for all tests here, and executors that know it as `web1`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from firstline.executor import Executor, Handle
from firstline.executors.ssh import SshExecutor, SshSettings
from firstline.testing.executor import Bench, Run
from firstline.testing.sshd import Sshd, account, serve


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    with serve() as server:
        yield server


@pytest.fixture(scope="session")
def deploy() -> Iterator[str]:
    """An account that may become anybody by sudo."""
    with account(sudo=True) as name:
        yield name


class Web1(Bench):
    """Steps go to `web1` unless they say otherwise."""

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        return await super().start(run, executor, **{"target": "web1", **fields})


@pytest.fixture
async def bench(sshd: Sshd, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Web1(lambda: executor_for(sshd, remote_directory=str(tmp_path / "kept")))
    yield bench
    await bench.aclose()


def settings_for(sshd: Sshd, *, port: int = 0, **changes: Any) -> dict[str, Any]:
    """Knows the server as `web1`. `port`: of what stands before it."""
    web1 = {"address": sshd.address, "port": port or sshd.port, "host_key": sshd.host_key}
    return {
        "hosts": {"web1": web1},
        "user": sshd.user,
        "key": sshd.client_key.read_text(),
        "kill_grace": 0.3,
        "python": "/usr/bin/python3",  # not a shim that takes its time
        **changes,
    }


def executor_for(sshd: Sshd, **changes: Any) -> SshExecutor:
    return SshExecutor(SshSettings.model_validate(settings_for(sshd, **changes)))
