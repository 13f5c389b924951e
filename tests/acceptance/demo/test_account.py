"""The script that unlocks an account, on a real directory file."""

import subprocess
from pathlib import Path

import pytest

from firstline.demo import fault

SCRIPT = Path(fault.__file__).parent / "folder/mappings/service-desk/runbooks/unlock-account/account"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    fault.install_accounts(tmp_path)
    return tmp_path


def run(verb: str, name: str, desk: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, verb, name, desk], capture_output=True, text=True, timeout=30, check=False)


def test_unlocking_opens_that_account_and_no_other(desk: Path) -> None:
    assert run("open", "Mara Keller", desk).returncode == 1
    assert run("unlock", "Mara Keller", desk).returncode == 0
    assert run("open", "Mara Keller", desk).returncode == 0
    changed = {name for name, account in fault.accounts(desk).items() if account != fault.ACCOUNTS[name]}
    assert changed == {"Mara Keller"}


def test_locking_again_undoes_it(desk: Path) -> None:
    run("unlock", "Mara Keller", desk)
    assert run("lock", "Mara Keller", desk).returncode == 0
    assert fault.accounts(desk)["Mara Keller"]["locked"] is True


@pytest.mark.parametrize(
    ("name", "status"), [("Mara Keller", 0), ("Jonas Brandt", 1), ("Irene Vogt", 1)], ids=["passwords", "open", "left"]
)
def test_only_an_account_locked_by_wrong_passwords_passes_the_check(desk: Path, name: str, status: int) -> None:
    assert run("locked", name, desk).returncode == status


def test_an_account_that_is_not_there_is_refused_by_name(desk: Path) -> None:
    refused = run("unlock", "Nobody", desk)
    assert refused.returncode == 1
    assert "there is no account 'Nobody'" in refused.stderr
