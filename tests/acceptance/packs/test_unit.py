"""The script by which packs look at supervised units and restart them, with its guards."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import PACKS, Runit

COPIES = sorted(PACKS.glob("*/runbooks/*/unit"))


# Says of a unit what a test wants, and does what it wants; as systemctl(1) is called, and as it ends.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>"$0.log"
case $1 in
    show) property=${2#--property=}; cat "$(dirname "$0")/$property" 2>/dev/null ;;
    start) %s ;;
esac
"""


def unit(*arguments: str | Path) -> tuple[int, str]:
    ran = subprocess.run([COPIES[0], *arguments], capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, ran.stdout + ran.stderr


class Systemd:
    """What stands where systemctl is: it proves how it is asked, not what a real one does."""

    def __init__(self, folder: Path, starts: str, **properties: str) -> None:
        self._program = folder / "systemctl"
        self._program.write_text(SYSTEMCTL % starts)
        self._program.chmod(0o755)
        for name, value in {"LoadState": "loaded", "MainPID": "0", **properties}.items():
            (folder / name).write_text(f"{value}\n")

    @property
    def asked(self) -> list[str]:
        asked = Path(f"{self._program}.log").read_text().splitlines()
        return [each for each in asked if not each.startswith("show")]


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Systemd]:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def systemd(starts: str = "exit 0", **properties: str) -> Systemd:
        return Systemd(tmp_path, starts, **properties)

    return systemd


def test_each_runbook_has_the_same_script() -> None:
    assert len(COPIES) > 1
    assert len({copy.read_bytes() for copy in COPIES}) == 1


def test_a_unit_that_somebody_has_disabled_stays_as_it_is(runit: Runit) -> None:
    made = runit.start("shop", "exec sleep 1000")
    (made / "down").touch()
    before = runit.pid(made)
    status, said = unit("restart", "runit", made, "0")
    assert (status, runit.pid(made)) == (3, before)
    assert "somebody wants it to be down" in said


def test_a_unit_that_has_just_begun_is_not_restarted(runit: Runit) -> None:
    made = runit.start("shop", "exec sleep 1000")
    before = runit.pid(made)
    status, said = unit("restart", "runit", made, "3600")
    assert (status, runit.pid(made)) == (3, before)
    assert "a restart is no cure" in said


def test_what_nobody_supervises_is_not_touched(tmp_path: Path) -> None:
    status, said = unit("restart", "runit", tmp_path, "0")
    assert (status, "has no running runsv" in said) == (3, True)


@pytest.mark.parametrize("name", ["--force", "../../etc"])
def test_what_is_no_name_is_not_looked_at(name: str) -> None:
    assert unit("look", "runit", name)[0] == 126


def test_a_job_of_systemd_has_run_when_its_unit_has_ended(systemd: Callable[..., Systemd]) -> None:
    asked = systemd()
    assert unit("run", "systemd", "backup.service", "60") == (0, "backup.service has run\n")
    assert asked.asked == ["start --wait -- backup.service"]


def test_a_job_of_systemd_that_fails_says_how(systemd: Callable[..., Systemd]) -> None:
    systemd("exit 1", Result="exit-code")
    assert unit("run", "systemd", "backup.service", "60") == (1, "backup.service failed: exit-code\n")


def test_a_job_of_systemd_that_takes_too_long_is_not_waited_for(systemd: Callable[..., Systemd]) -> None:
    systemd("exec sleep 1000")
    assert unit("run", "systemd", "backup.service", "1") == (1, "backup.service still runs after 1 s\n")


def test_what_can_not_reload_is_not_asked_to(systemd: Callable[..., Systemd]) -> None:
    asked = systemd(MainPID=str(os.getpid()), CanReload="no")
    status, said = unit("reload", "systemd", "shop.service")
    assert (status, asked.asked) == (3, [])
    assert "has no way to reload" in said


@pytest.mark.parametrize("state", ["disabled", "masked", "masked-runtime"])
def test_what_somebody_has_disabled_in_systemd_is_not_started(systemd: Callable[..., Systemd], state: str) -> None:
    asked = systemd(UnitFileState=state)
    status, said = unit("restart", "systemd", "shop.service", "0")
    assert (status, asked.asked) == (3, [])
    assert "somebody wants it to be down" in said


def test_what_systemd_does_not_know_is_not_touched(systemd: Callable[..., Systemd]) -> None:
    asked = systemd(LoadState="not-found")
    status, said = unit("restart", "systemd", "shop.service", "0")
    assert (status, asked.asked) == (3, [])
    assert "shop.service is not-found on this host" in said
