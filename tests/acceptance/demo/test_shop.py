"""The shop and its three faults, and the scripts that mend them: real processes in a folder of the test's own."""

import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from firstline.demo import app, fault
from firstline.demo.process import free_ports, sweep

RUNBOOKS = Path(app.__file__).parent / "folder" / "mappings" / "shop" / "runbooks"


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)

    def get(self, path: str) -> httpx.Response:
        """A new connection each time, tried again while the shop comes up."""
        transport = httpx.HTTPTransport(retries=6, trust_env=False)
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", transport=transport, timeout=10) as http:
            return http.get(path)

    def run(self, runbook: str, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(RUNBOOKS / runbook / script), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def did(self, runbook: str, script: str, *arguments: object) -> str:
        """What the script printed, when it has succeeded."""
        done = self.run(runbook, script, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


def wait_for_end(pid: int) -> None:
    """Of a process that is not our child; one that is gone already has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], 30)[0], f"process {pid} goes on"
    finally:
        os.close(process)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop")
    shop.folder.mkdir()
    fault.install_shop(shop.folder, shop.port)
    try:
        shop.did("restart-web", "start", shop.folder)
        assert shop.get("/health").text == "ok"
        yield shop
    finally:
        sweep(tmp_path)


def test_a_visit_is_counted_and_logged(shop: Shop) -> None:
    shop.get("/")
    assert "2 requests" in shop.get("/").text
    assert fault.visits(shop.folder) == 2
    assert (shop.folder / "logs" / "access.log").read_text().count("GET /\n") == 2


def test_an_unknown_page_is_not_found(shop: Shop) -> None:
    assert shop.get("/nowhere").status_code == 404


def test_a_well_shop_needs_no_restart(shop: Shop) -> None:
    assert shop.run("restart-web", "unwell", shop.port).returncode == 1


def test_a_hung_shop_is_unwell_and_a_restart_mends_it(shop: Shop) -> None:
    hung = fault.hang(shop.folder)
    assert "no answer" in shop.did("restart-web", "unwell", shop.port)
    assert f"process {hung} has ended" in shop.did("restart-web", "stop", shop.folder)
    shop.did("restart-web", "start", shop.folder)
    assert shop.get("/health").status_code == 200
    assert fault.pid(shop.folder) != hung


def test_a_process_that_is_not_the_shop_is_never_killed(shop: Shop, tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "shop.pid").write_text(str(other.pid))
        assert "it was not running" in shop.did("restart-web", "stop", tmp_path)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_full_log_folder_is_said_and_clearing_it_mends_it(shop: Shop) -> None:
    fault.fill_logs(shop.folder)
    answer = shop.get("/health")
    assert (answer.status_code, "no space left" in answer.text) == (507, True)
    assert "no space left" in shop.did("clear-logs", "full", shop.port)
    assert "access.log.901" in shop.did("clear-logs", "diagnose", shop.folder)
    assert "deleted access.log.905" in shop.did("clear-logs", "clear", shop.folder)
    assert fault.old_logs(shop.folder) == 0
    assert shop.get("/health").status_code == 200


def test_logs_with_room_left_are_not_called_full(shop: Shop) -> None:
    assert shop.run("clear-logs", "full", shop.port).returncode == 1


def test_the_shop_rotates_its_log(shop: Shop) -> None:
    log = shop.folder / "logs" / "access.log"
    log.write_bytes(b"x" * (app.ROTATE_AT + 1))
    shop.get("/health")
    assert fault.old_logs(shop.folder) == 1
    assert log.read_text() == "GET /health\n"


def test_broken_settings_survive_a_restart_and_the_diagnosis_names_them(shop: Shop) -> None:
    fault.break_settings(shop.folder)
    assert shop.get("/health").status_code == 500
    shop.did("restart-web", "stop", shop.folder)
    wait_for_end(int(shop.did("restart-web", "start", shop.folder).split()[-1]))
    diagnosis = shop.did("restart-web", "diagnose", shop.folder)
    assert "no process serves the shop" in diagnosis
    assert "shop.json can't be read" in diagnosis


def test_the_rollback_puts_the_cache_back(shop: Shop) -> None:
    shop.get("/")
    shop.did("restart-web", "set-aside", shop.folder)
    assert not (shop.folder / "cache").exists()
    shop.did("restart-web", "restore", shop.folder)
    assert fault.visits(shop.folder) == 1


def test_a_rollback_with_nothing_set_aside_changes_nothing(shop: Shop) -> None:
    shop.get("/")
    assert "there was no cache" in shop.did("restart-web", "restore", shop.folder)
    assert fault.visits(shop.folder) == 1
