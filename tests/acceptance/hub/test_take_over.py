"""Hubs as processes, killed from outside: another process, or the next start, goes on and runs nothing twice."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.integration.hub.conftest import SECRET, STANDARD, TOML, Running, triggered, write_pack

from firstline import registry, settings
from firstline.access import Right, make_token
from firstline.connector import SandboxSettings
from firstline.store import Database
from firstline.testing.loopback import ask, serve
from firstline.testing.patience import eventually

# Runs until the test lets it go, and leaves a mark at its begin.
SLOW = 'until [ -e "$1/let-go" ]; do sleep 0.05; done; touch "$1/mended"'


class Process:
    """A hub as a process of its own, on a folder of its own that shares database and state with the others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        firstline = str(Path(sys.executable).parent / "firstline")
        self._popen = subprocess.Popen([firstline, "serve", "--folder", str(self.folder)], env=os.environ)
        eventually(lambda: _is_ready(settings.load(self.folder).url), 60)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._popen is not None:
            self._popen.send_signal(how)
            self._popen.wait(30)
            self._popen = None


def _is_ready(url: str) -> bool:
    try:
        return ask("GET", f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


Make = Callable[[str], tuple[Process, Running]]
# What becomes of a run is in its directory: both databases are tried where one hub takes from another.
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def make(tmp_path: Path, database_url: str) -> Iterator[Make]:
    with ExitStack() as stack:
        seeds = {
            "servicenow": {},
            "pagerduty": {"incidents": [{"id": "Q00001", "title": "shop does not answer", "service": "PSHOP01"}]},
        }
        vendors = {
            name: stack.enter_context(serve(registry.sandbox(name)(SandboxSettings(hook_secret=SECRET, seed=seed))))
            for name, seed in seeds.items()
        }
        marks = tmp_path / "marks"
        marks.mkdir()

        def made(name: str) -> tuple[Process, Running]:
            folder = tmp_path / name
            write_pack(folder, marks, mode="auto", change=STANDARD, extra=SLOW, before='["true"]')
            text = TOML.format(database=database_url, **vendors)
            hub = f'[hub]\nlisten = "127.0.0.1:{_free_port()}"\nstate = "{tmp_path}/state"'
            (folder / "firstline.toml").write_text(text.replace("[hub]", hub))
            database = Database(database_url)
            database.create()
            token = database.write_now(lambda c: make_token(c, "ada", list(Right)))
            database.close()
            process = Process(folder)
            stack.callback(process.kill)
            url = settings.load(folder).url
            return process, Running(url, token, marks, None, vendors["servicenow"], vendors["pagerduty"])

        yield made


@ON_ONE
def test_a_run_outlives_the_kill_of_its_hub_and_is_found_by_the_next_start(make: Make) -> None:
    process, hub = make("a")
    process.start()
    hub.post(triggered())
    eventually(lambda: hub.runs() == 1)
    process.kill()
    process.start()
    (hub.marks / "let-go").touch()
    _mended_once(hub)


@ON_ONE
def test_a_run_outlives_the_stop_of_its_hub_and_is_found_by_the_next_start(make: Make) -> None:
    process, hub = make("a")
    process.start()
    hub.post(triggered())
    eventually(lambda: hub.runs() == 1)
    process.stop()
    process.start()
    (hub.marks / "let-go").touch()
    _mended_once(hub)


def test_another_process_goes_on_with_what_a_killed_one_had_in_hand(make: Make) -> None:
    (one, first), (other, second) = make("a"), make("b")
    one.start()
    other.start()
    first.post(triggered())
    eventually(lambda: first.runs() == 1)
    one.kill()
    (second.marks / "let-go").touch()
    _mended_once(second)


@ON_ONE
def test_a_run_that_ended_while_no_hub_lived_is_seen_and_not_repeated(make: Make) -> None:
    process, hub = make("a")
    process.start()
    hub.post(triggered())
    eventually(lambda: hub.runs() == 1)
    process.kill()
    (hub.marks / "let-go").touch()
    eventually(lambda: (hub.marks / "mended").exists())
    process.start()
    _mended_once(hub)


def _mended_once(hub: Running) -> None:
    assert hub.remediation()["outcome"] == "proved"
    assert hub.runs() == 1
    outcomes = [note for note in hub.incident()["notes"] if note["content"].endswith(".outcome]")]
    assert len(outcomes) == 1  # beside a start note: it took a while
    assert hub.incident()["status"] == "resolved"
    assert [(one["state"], one["close_code"]) for one in hub.changes()] == [("3", "successful")]
