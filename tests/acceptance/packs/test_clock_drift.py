"""A real chronyd that follows another on loopback. Both leave the machine's clock as it is (-x)."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import Bench, Runit

from firstline.declaration import Json
from firstline.testing.patience import eventually
from firstline.testing.peer import need

pytestmark = pytest.mark.anyio

SCRIPT = "linux/clock-drift"


class Clock:
    def __init__(self, runit: Runit, port: int, folder: Path) -> None:
        self._runit, self._folder = runit, folder
        self._chronyd = need("chronyd", package="chrony")
        self.server = self._start(
            "server", f"port {port}", "bindaddress 127.0.0.1", "local stratum 8", "allow 127.0.0.1"
        )
        follow = f"server 127.0.0.1 port {port} iburst minpoll -2 maxpoll -1 maxdelay 3"
        self.unit = self._start("client", "port 0", follow)
        self.socket = folder / "client" / "chronyd.sock"
        self.inputs: dict[str, Json] = {
            "host": "db-1",
            "address": str(self.socket),
            "server": "127.0.0.1",
            "port": port,
        }
        self.inputs |= {"unit": str(self.unit), "supervisor": "runit", "young": 0}
        eventually(lambda: "Normal" in self.ask("-c", "tracking"))

    def ask(self, *what: str) -> str:
        run = ["chronyc", "-n", "-h", str(self.socket), *what]
        return subprocess.run(run, capture_output=True, text=True, check=False).stdout

    def _start(self, name: str, *lines: str) -> Path:
        place = self._folder / name
        place.mkdir(mode=0o750)
        own = ["cmdport 0", f"bindcmdaddress {place}/chronyd.sock", f"pidfile {place}/chronyd.pid", "user root"]
        (place / "chrony.conf").write_text("\n".join([*lines, *own, ""]))
        # What a killed one has left would keep the next from beginning.
        run = f"rm -f {place}/chronyd.pid; exec {self._chronyd} -x -n -f {place}/chrony.conf >/dev/null 2>&1"
        return self._runit.start(f"chrony-{name}", run)


@pytest.fixture
def clock(runit: Runit, ports: Callable[[], int], short_path: Path, root: None) -> Clock:
    return Clock(runit, ports(), short_path)


async def test_a_daemon_that_hangs_is_restarted(bench: Bench, runit: Runit, clock: Clock) -> None:
    before = runit.freeze(clock.unit)
    played = await bench.play(SCRIPT, **clock.inputs)
    assert played.outcome == "proved", played
    assert runit.pid(clock.unit) != before
    assert "chronyd does not answer" in played.said["switch sources on"]


async def test_sources_that_are_switched_off_are_switched_on(bench: Bench, runit: Runit, clock: Clock) -> None:
    before = runit.pid(clock.unit)
    clock.ask("offline")
    clock.ask("reset", "sources")
    eventually(lambda: "Not synchronised" in clock.ask("-c", "tracking"))
    played = await bench.play(SCRIPT, **clock.inputs)
    assert played.outcome == "proved", played
    assert runit.pid(clock.unit) == before
    assert "restart chronyd" not in played.said


async def test_where_the_server_is_silent_nothing_is_restarted(bench: Bench, runit: Runit, clock: Clock) -> None:
    runit.freeze(clock.server)
    clock.ask("reset", "sources")
    before = runit.pid(clock.unit)
    played = await bench.play(SCRIPT, **clock.inputs)
    assert played.outcome == "failed"
    assert "does not answer either" in played.said["ask the server"]
    assert runit.pid(clock.unit) == before


async def test_a_clock_that_is_kept_needs_nothing(bench: Bench, clock: Clock) -> None:
    assert (await bench.play(SCRIPT, **clock.inputs)).outcome == "not_needed"
