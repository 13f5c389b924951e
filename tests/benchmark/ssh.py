"""What a run on a host costs over `ssh` on a connection that is open, and what 200 hosts at a time take."""

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from tests.benchmark.figure import quantile, tell

from firstline.executor import Step
from firstline.executors.ssh import SshExecutor, SshSettings
from firstline.testing.sshd import Sshd, serve

ROUNDS = 100
WARM = 5
HOSTS = 200  # addresses of loopback, each with a connection and an agent of its own


def run() -> None:
    with serve(address="0.0.0.0") as sshd, tempfile.TemporaryDirectory() as scratch:
        _tell_overhead(sshd, Path(scratch))
        _tell_hosts(sshd, Path(scratch))


def _tell_overhead(sshd: Sshd, scratch: Path) -> None:
    bare, took = asyncio.run(_alternate(sshd, scratch))
    over = median(took) - median(bare)
    tell(
        "ssh: overhead on an open connection",
        over * 1000,
        "ms",
        wanted="under 100",
        met=over < 0.100,
        yardstick="OpenSSH's ssh HOST true with ControlMaster",
        bare_ms=median(bare) * 1000,
        p95_ms=quantile(took, 0.95) * 1000,
    )


def _tell_hosts(sshd: Sshd, scratch: Path) -> None:
    cold, warm, memory = asyncio.run(_all_hosts(sshd, scratch))
    tell(
        f"ssh: {HOSTS} hosts at a time, first run",
        cold,
        "s",
        wanted="all succeed",
        met=True,
        yardstick="handshake, agent and run of true; hosts and hub share this machine",
        again_s=warm,
        hub_mib=memory / 2**20,
        kib_a_host=memory / 1024 / HOSTS,
    )


async def _alternate(sshd: Sshd, scratch: Path) -> tuple[list[float], list[float]]:
    """Seconds from start to the end seen, of each, in turn: what else the machine does befalls both alike."""
    executor = _executor(sshd, scratch)
    with _master(sshd, scratch) as ssh:
        bare, took = [], []
        for number in range(-WARM, ROUNDS):
            pair = await asyncio.to_thread(_bare, ssh), await _run(executor, f"one{number}", "h1")
            if number >= 0:
                bare.append(pair[0])
                took.append(pair[1])
    await executor.aclose()
    return bare, took


async def _all_hosts(sshd: Sshd, scratch: Path) -> tuple[float, float, int]:
    """Seconds for all, the first time and on open connections; bytes that the hub's process grew by."""
    executor, process = _executor(sshd, scratch), psutil.Process()
    before = process.memory_info().rss
    took = []
    for round_ in ("cold", "warm"):
        begun = time.perf_counter()
        await asyncio.gather(*(_run(executor, f"{round_}{number}", f"h{number}") for number in range(1, HOSTS + 1)))
        took.append(time.perf_counter() - begun)
    memory = process.memory_info().rss - before
    await executor.aclose()
    return took[0], took[1], memory


async def _run(executor: SshExecutor, step: str, target: str) -> float:
    begun = time.perf_counter()
    handle = await executor.start(Step(id=step, run=("true",), target=target))
    while not (progress := await executor.watch(handle)).state.ended:
        await executor.wait(handle, 1.0)
    assert progress.exit_status == 0, progress
    return time.perf_counter() - begun


def _executor(sshd: Sshd, scratch: Path) -> SshExecutor:
    host: dict[str, Any] = {"port": sshd.port, "host_key": sshd.host_key}
    hosts = {f"h{number}": {**host, "address": f"127.0.1.{number}"} for number in range(1, HOSTS + 1)}
    settings = {
        "hosts": hosts,
        "user": sshd.user,
        "key": sshd.client_key.read_text(),
        "python": "/usr/bin/python3",
        "connect_timeout": 120.0,
        "remote_directory": str(scratch / "kept"),
    }
    return SshExecutor(SshSettings.model_validate(settings))


@contextmanager
def _master(sshd: Sshd, scratch: Path) -> Iterator[list[str]]:
    """The words of an ssh command on a connection that is open meanwhile."""
    known = scratch / "known_hosts"
    known.write_text(f"[127.0.1.1]:{sshd.port} {sshd.host_key}\n")
    options = (
        f"ControlPath={scratch}/control",
        f"UserKnownHostsFile={known}",
        f"IdentityFile={sshd.client_key}",
        "BatchMode=yes",
    )
    ssh = ["ssh", "-F", "none", *(word for option in options for word in ("-o", option))]
    where = ["-p", str(sshd.port), f"{sshd.user}@127.0.1.1"]
    subprocess.run([*ssh, "-M", "-N", "-f", *where], check=True)
    yield [*ssh, *where, "true"]
    subprocess.run([*ssh, "-O", "exit", *where], check=True, capture_output=True)


def _bare(ssh: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(ssh, check=True, capture_output=True)
    return time.perf_counter() - begun
