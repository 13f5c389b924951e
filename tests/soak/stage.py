"""Real processes for the soak: the vendors' sandboxes and the hub, on a folder of their own."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from tests.soak import pack
from tests.soak.vendor import SECRET, VENDORS, State, Vendor

from firstline import settings
from firstline.access import Right, make_token
from firstline.demo.process import Processes, free_ports
from firstline.demo.stage import FIRSTLINE
from firstline.store import Database
from firstline.testing.loopback import ask
from firstline.testing.patience import eventually

HUB = """
[hub]
listen = "127.0.0.1:{port}"
database = "{database}"
environment = "soak"

[executors.command]
environment = ["PATH", "FIRSTLINE_DEMO"]
"""

CONNECTION = """
[connections.{name}]
connector = "{name}"
base_url = "http://127.0.0.1:{port}"
webhook_secrets = ["{secret}"]
{settings}
intake = {{way = "{way}", every = "1s"}}
"""

MINUTE = timedelta(minutes=1)

Ways = Mapping[str, str]  # vendor → push, poll or both


@dataclass
class Stage:
    """`ways` says which vendors there are and how their incidents come in."""

    root: Path
    ways: Ways
    database: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC) - MINUTE)  # nothing is dated before
    processes: Processes = field(init=False)
    ports: dict[str, int] = field(init=False)
    token: str = field(init=False)
    store: Database = field(init=False)

    def __post_init__(self) -> None:
        logs = self.root / "logs"
        for folder in (logs, self.marks):
            folder.mkdir(parents=True)
        self.processes = Processes(self.root, logs)
        names = ("hub", *self.ways)
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._write()
        self.store = Database(settings.load(self.folder).database)
        self.store.create()
        self.token = self.store.write_now(lambda connection: make_token(connection, "soak", list(Right)))

    @property
    def folder(self) -> Path:
        return self.root / "hub"

    @property
    def marks(self) -> Path:
        return self.root / "marks"

    @property
    def vendors(self) -> list[Vendor]:
        return [VENDORS[name] for name in self.ways]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def _write(self) -> None:
        pack.write(self.folder / "mappings", self.marks)
        database = self.database or f"sqlite:///{self.folder}/firstline.db"
        text = HUB.format(port=self.ports["hub"], database=database)
        for vendor in self.vendors:
            about = {"name": vendor.name, "settings": vendor.settings, "way": self.ways[vendor.name]}
            text += CONNECTION.format(port=self.ports[vendor.name], secret=SECRET, **about)
        register = next((vendor.name for vendor in self.vendors if vendor.changes), "")
        text += f'\n[changes]\nregister = "{register}"\nrequire_pin = false\n' if register else ""
        (self.folder / "firstline.toml").write_text(text)

    def start_vendor(self, name: str, chaos: Mapping[str, Any]) -> None:
        command = [*FIRSTLINE, "sandbox", name, "--port", str(self.ports[name]), "--hook-secret", SECRET]
        if self.ways[name] != "poll":
            command += ["--hook-url", f"{self.url('hub')}/hooks/{name}"]
        for option, content in (("--chaos-file", dict(chaos)), ("--seed", VENDORS[name].trouble)):
            file = self.root / f"{name}{option}.json"
            file.write_text(json.dumps(content))
            command += [option, str(file)]
        self.processes.start(name, command)

    def await_vendors(self) -> None:
        for name in self.ways:
            eventually(partial(self.answers, name, "/sandbox/state"), 60)

    def start_hub(self) -> None:
        since = ["--since", self.began.isoformat()]
        self.processes.start("hub", [*FIRSTLINE, "serve", *since, "--folder", str(self.folder)])

    def await_hub(self) -> None:
        eventually(lambda: self.answers("hub", "/readyz"), 120)

    def kill_hub(self) -> None:
        """As `kill -9` does. What its runbooks have started goes on."""
        self.processes.kill("hub")

    def freeze(self, name: str) -> None:
        """A vendor that takes connections and never answers."""
        self.processes.running[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.processes.running[name].send_signal(signal.SIGCONT)

    def answers(self, name: str, path: str) -> bool:
        if ended := self.processes.ended():
            words = [(self.processes.logs / f"{name}.log").read_text()[-2000:] for name in ended]
            raise RuntimeError(f"ended by themselves: {ended}; their last words: {words}")
        try:
            return ask("GET", self.url(name) + path, timeout=5).is_success
        except httpx.TransportError:
            return False

    def chaos(self, name: str, chaos: Mapping[str, Any]) -> dict[str, int]:
        """Change a vendor's faults; gives how many of each it has made."""
        answer = ask("PUT", f"{self.url(name)}/sandbox/chaos", json=dict(chaos), timeout=30)
        made: dict[str, int] = answer.raise_for_status().json()["made"]
        return made

    def reconcile(self, name: str) -> dict[str, Any]:
        """The proof of completeness since this stage was made; what is missing is brought."""
        period = {"since": self.began.isoformat()}
        url, headers = (
            f"{self.url('hub')}/api/v1/connections/{name}/reconcile",
            {"Authorization": f"Bearer {self.token}"},
        )
        answer = ask("POST", url, json=period, headers=headers, timeout=300)
        proof: dict[str, Any] = answer.raise_for_status().json()
        return proof

    def state(self, name: str) -> State:
        answer = ask("GET", f"{self.url(name)}/sandbox/state", timeout=120)
        state: State = answer.raise_for_status().json()
        return state

    def rows(self, statement: sa.Select[Any]) -> list[Any]:
        return self.store.read_now(lambda connection: list(connection.execute(statement).all()))

    def count(self, table: sa.Table, *where: Any) -> int:
        (row,) = self.rows(sa.select(sa.func.count()).select_from(table).where(*where))
        return int(row[0])


@contextmanager
def staged(root: Path, ways: Ways, database: str = "") -> Iterator[Stage]:
    """A stage on which nothing runs yet; all that was started on it ends with the block."""
    stage = Stage(root, ways, database)
    try:
        yield stage
    finally:
        stage.processes.stop_all()
        stage.store.close()
