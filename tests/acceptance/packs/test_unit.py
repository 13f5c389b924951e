"""The script by which packs look at supervised units and restart them, with its guards."""

import subprocess
from pathlib import Path

import pytest
from tests.acceptance.packs.conftest import PACKS, Runit

COPIES = sorted(PACKS.glob("*/runbooks/*/unit"))


def unit(*arguments: str | Path) -> tuple[int, str]:
    ran = subprocess.run([COPIES[0], *arguments], capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, ran.stdout + ran.stderr


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
