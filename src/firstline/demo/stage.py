"""Everything the story needs, running: three sandboxes, the hub, the shop and its monitor."""

import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx

from firstline import settings
from firstline.demo import fault, monitor, services
from firstline.demo.people import APPROVER, enroll, is_standard
from firstline.demo.place import Place, render
from firstline.demo.process import Processes, free_ports
from firstline.mapping import load_packs
from firstline.store import Database

SYSTEMS = ("servicenow", "jira", "pagerduty")
TEMPLATE_PORTS = {"hub": 8480, "servicenow": 9001, "jira": 9002, "pagerduty": 9003, "shop": 8085}
ROUTING_KEY = "sandbox-routing-key".ljust(32, "0")
PASSWORD = "sandbox-password"  # noqa: S105 - the published password of stand-ins; it stands in folder/sandbox as well
PATIENCE = 60.0  # seconds that something may take before the demo says that it is stuck
GLANCE = 0.1  # seconds between two looks at what is waited for

T = TypeVar("T")

# The command of this very installation, whatever PATH holds.
FIRSTLINE = (sys.executable, "-c", "from firstline.cli import main; main()")


class Stuck(Exception):
    """Something did not happen in time, or a process ended; the message says what, and which log to read."""


@dataclass
class Stage:
    """The running set-up. Addresses are those of loopback; `say` tells a person how far it is."""

    place: Place
    processes: Processes
    say: Callable[[str], None]
    speed: float = 1.0
    patience: float = PATIENCE
    ports: dict[str, int] = field(default_factory=lambda: dict(zip(TEMPLATE_PORTS, free_ports(5), strict=True)))
    secret: str = field(default_factory=secrets.token_hex)
    tokens: dict[str, str] = field(default_factory=dict)  # by person
    standard: list[str] = field(default_factory=list)  # the runbooks that ask for a standard change: pack and id
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(trust_env=False, timeout=10.0))

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    async def set_up(self) -> None:
        self.lay_out()
        await self.start()

    def lay_out(self) -> None:
        """Fill the folder: what the hub reads, the shop, the accounts."""
        render(self.place, {TEMPLATE_PORTS[name]: port for name, port in self.ports.items()})
        fault.install_shop(self.place.shop, self.ports["shop"])
        fault.install_accounts(self.place.desk)
        services.install(self.place.services)

    async def start(self) -> None:
        """Start everything, and return when all of it answers."""
        self.say("starting the sandboxes of ServiceNow, Jira and PagerDuty")
        for system in SYSTEMS:
            self.start_sandbox(system)
        self.tokens = await self.enroll()
        self.say("starting the hub on SQLite")
        self.start_hub()
        await anyio.run_process([str(self.place.shop / "start")])
        for system in SYSTEMS:
            await self.answers(system, "/sandbox/state")
        await self.answers("shop", "/health")
        await self.answers("hub", "/readyz")
        self.start_monitor()

    def start_sandbox(self, system: str) -> None:
        """Its secret is on the command line: it opens nothing beyond this machine and this run."""
        seed = self.place.hub / "sandbox" / f"{system}.json"
        command = [*FIRSTLINE, "sandbox", system, "--port", str(self.ports[system])]
        hook = ["--hook-url", f"{self.address('hub')}/hooks/{system}", "--hook-secret", self.secret]
        self.processes.start(system, [*command, *hook, *(["--seed", str(seed)] if seed.exists() else [])])

    def start_hub(self) -> None:
        self.processes.start("hub", [*FIRSTLINE, "serve", "--folder", str(self.place.hub)], self.hub_environment())

    def kill_hub(self) -> None:
        """As `kill -9` does. What its runbooks have started goes on."""
        self.processes.kill("hub")

    def start_monitor(self) -> None:
        command = [sys.executable, "-I", "-S", monitor.__file__]
        self.processes.start("monitor", [*command, self.address("shop"), self.address("pagerduty"), ROUTING_KEY])

    def hub_environment(self) -> dict[str, str]:
        """The secrets that firstline.toml refers to. Runbooks find the Python that the demo runs on."""
        return {
            "DEMO_HOOK_SECRET": self.secret,
            "DEMO_PASSWORD": PASSWORD,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    async def enroll(self) -> dict[str, str]:
        """Everybody's token."""
        database = Database(settings.load(self.place.hub).database)
        runbooks = load_packs(self.place.hub / "mappings").runbooks
        self.standard = sorted(f"{pack}/{each.id}" for (pack, _), each in runbooks.items() if is_standard(each))
        try:
            database.create()
            return await database.write(lambda connection: enroll(connection, runbooks))
        finally:
            database.close()

    async def call_hub(self, method: str, path: str, person: str = APPROVER, **options: Any) -> httpx.Response:
        """The hub's API, as somebody."""
        headers = {"Authorization": f"Bearer {self.tokens[person]}"}
        return await self.http.request(method, f"{self.address('hub')}/api/v1{path}", headers=headers, **options)

    async def ask_hub(self, path: str, **filters: str) -> Any:
        return (await self.call_hub("GET", path, params=filters)).raise_for_status().json()

    async def listed(self, path: str, **filters: str) -> AsyncIterator[dict[str, Any]]:
        """Each row of one of the hub's lists, newest first."""
        before = ""
        while True:
            page = await self.ask_hub(path, limit="500", before=before, **filters)
            for row in page["items"]:
                yield row
            if not (before := page["next"] or ""):
                return

    async def answers(self, name: str, path: str) -> None:
        async def look() -> bool:
            return (await self.http.get(f"{self.address(name)}{path}")).is_success

        await self.until(f"{name} answers {path}", look)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]], every: float = GLANCE) -> T:
        """Look until there is something, and return it. Raises `Stuck`. A connection that fails counts as nothing."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                if found := await look():
                    return found
            except httpx.TransportError:
                pass  # not up yet, or down for the moment
            if ended := self.processes.ended():
                raise Stuck("; ".join(self.epitaph(name, status) for name, status in ended.items()))
            if time.monotonic() > deadline:
                raise Stuck(f"not within {self.patience:.0f} s: {what}. The logs are in {self.place.logs}")
            await anyio.sleep(every)

    def epitaph(self, name: str, status: int) -> str:
        log = self.place.logs / f"{name}.log"
        return f"{name} ended with status {status}; its last words ({log}): {log.read_text(errors='replace')[-1500:]}"

    async def pause(self, seconds: float) -> None:
        """A pause for those who watch, longer in a slower show."""
        await anyio.sleep(seconds / self.speed)
