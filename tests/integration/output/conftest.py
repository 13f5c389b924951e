"""One hub for the tests of a module, since a process has one engine. Its runbook's step is the script that a test
writes: it prints what the test lets it print, when the test says so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hub.conftest import HOLDS, MENDS, SECRET, TOML, Running, triggered, write_pack

from firstline import registry, settings
from firstline.access import Right, make_token
from firstline.connector import SandboxSettings
from firstline.hub import Hub
from firstline.testing.loopback import serve
from firstline.testing.patience import eventually
from firstline.web.app import create_app

GATE = 'rm -f "$1/gate"; mkfifo "$1/gate"; read -r _ < "$1/gate"'  # waits


class Desk:
    """The hub, its folder, and where it can be stopped and begun anew."""

    def __init__(self, place: Path, addresses: dict[str, str]) -> None:
        self.marks = place / "marks"
        self.marks.mkdir()
        self._folder, self._addresses = place / "hub", addresses
        write_pack(self._folder, self.marks, mode="auto", change="none", extra=f'. "$1/script"\n{MENDS}', before=HOLDS)
        toml = TOML.format(database="sqlite:///state/firstline.db", **addresses)
        (self._folder / "firstline.toml").write_text(toml)
        self._serving = ExitStack()
        self._numbers = iter(range(1, 100))
        self.hub: Running

    def begin(self) -> None:
        hub = Hub(settings.load(self._folder))
        hub.database.create()
        token = hub.database.write_now(lambda c: make_token(c, "ada", list(Right)))
        url = self._serving.enter_context(serve(create_app(hub)))
        self.hub = Running(url, token, self.marks, hub, self._addresses["servicenow"], self._addresses["pagerduty"])

    def stop(self) -> None:
        self._serving.close()

    def prints(self, script: str) -> "Printing":
        """An incident, a remediation of it, and a step that is this shell script."""
        (self.marks / "script").write_text(f"{script}\n")
        (self.marks / "mended").unlink(missing_ok=True)
        known = {one["id"] for one in self.hub.get("remediations")["items"]}
        number = next(self._numbers)
        self.hub.post(triggered(number), key=f"d-{number}")

        def begun() -> list[str]:
            return [one["id"] for one in self.hub.get("remediations")["items"] if one["id"] not in known]

        return Printing(self, eventually(begun)[0])


class Printing:
    """A step at work; `go` lets it print on."""

    def __init__(self, desk: Desk, remediation: str) -> None:
        self.desk = desk
        self.remediation = remediation
        self.run = f"{remediation}.step.0"
        self.path = f"remediations/{remediation}/runs/{self.run}"
        eventually(lambda: self.run in [one["id"] for one in self.get(f"remediations/{remediation}/runs")])

    def get(self, path: str) -> Any:
        return self.desk.hub.get(path)

    def go(self) -> None:
        """Opens the gate at which the step waits next."""
        gate = self.desk.marks / "gate"
        eventually(gate.is_fifo)
        gate.write_text("go\n")

    def output(self, offset: int = 0) -> Any:
        return self.get(f"{self.path}/output?offset={offset}")

    def so_far(self, text: str = "mended it") -> Any:
        """The output, when it holds the text."""
        return eventually(lambda: found if text in text_of(found := self.output()) else None)

    def end(self, *, ended: bool = True) -> Any:
        """The run, when it has ended, and its remediation too."""

        def look() -> Any:
            whole = self.get(f"remediations/{self.remediation}")
            run = next(one for one in whole["runs"] if one["id"] == self.run)
            return run if run["ended_at"] and (whole["ended_at"] or not ended) else None

        return eventually(look)

    def log(self) -> Path:
        return self.desk.hub.hub.context.logs.path(self.remediation, self.run)  # type: ignore[no-any-return]


Print = Callable[[str], Printing]


@contextmanager
def at_a_desk(place: Path) -> Iterator[Desk]:
    incidents = [{"id": f"Q{n:05d}", "title": "shop does not answer", "service": "PSHOP01"} for n in range(1, 100)]
    seeds: dict[str, dict[str, Any]] = {"servicenow": {}, "pagerduty": {"incidents": incidents}}
    with ExitStack() as stack:
        addresses = {
            name: stack.enter_context(serve(registry.sandbox(name)(SandboxSettings(hook_secret=SECRET, seed=seed))))
            for name, seed in seeds.items()
        }
        made = Desk(place, addresses)
        made.begin()
        yield made
        made.stop()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with at_a_desk(tmp_path_factory.mktemp("output")) as made:
        yield made


@pytest.fixture(scope="module")
def printed(desk: Desk) -> Printing:
    """Something long, which has ended."""
    printing = desk.prints("echo trouble >&2; seq 40000")
    printing.end()
    return printing


@pytest.fixture
def prints(desk: Desk) -> Iterator[Print]:
    """Begins a remediation. It has ended before the next test begins one: they have one target."""
    made: list[Printing] = []

    def begin(script: str) -> Printing:
        made.append(desk.prints(script))
        return made[-1]

    yield begin
    for each in made:
        each.end()


def text_of(answer: Any, stream: str = "") -> str:
    return "".join(chunk["text"] for chunk in answer["chunks"] if stream in ("", chunk["stream"]))
