"""`make soak`: `KILLS` random kills (500) over all executors that have a crash matrix. Wanted: no step begins twice,
and nothing is left. Prints one JSON line."""

import importlib
import inspect
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from firstline.testing.crash import CrashContract, Moment, Outcome

pytestmark = pytest.mark.anyio

KILLS = int(os.environ.get("KILLS", "500"))
SEED = os.environ.get("SEED", "1")
ROOT = Path(__file__).parents[2]


class Case(NamedTuple):
    contract: CrashContract
    kind: str
    moment: Moment

    def __str__(self) -> str:
        return f"{type(self.contract).__name__}, {self.kind}, {self.moment}"


def contracts() -> list[CrashContract]:
    """One of each subclass there is."""
    for file in sorted(ROOT.glob("tests/integration/**/test_*.py")):
        if "CrashContract" in file.read_text():
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    return [each() for each in _subclasses(CrashContract) if not inspect.isabstract(each)]


def _subclasses(parent: type[CrashContract]) -> Iterator[type[CrashContract]]:
    for each in parent.__subclasses__():
        if each.__name__.startswith("Test"):
            yield each
        yield from _subclasses(each)


async def test_nothing_begins_twice_and_nothing_is_left(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = random.Random(SEED)
    tally = Tally()
    async with AsyncExitStack() as stages:
        ready = {
            contract: await stages.enter_async_context(contract.ready(tmp_path_factory.mktemp("crashes")))
            for contract in contracts()
        }
        cases = [Case(each, kind, moment) for each in ready for kind in each.all_kills() for moment in each.moments]
        for number in range(KILLS):
            case = chosen.choice(cases)
            tally.add(case, await ready[case.contract].play(case.kind, case.moment, f"{SEED} {number}"))
    with capsys.disabled():
        sys.stdout.write(json.dumps(tally.told()) + "\n")
    assert tally.faults == []


class Tally:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self._outcomes: list[Outcome] = []
        self._ends: Counter[str] = Counter()

    def add(self, case: Case, outcome: Outcome) -> None:
        self.faults += [f"{case}: {fault}" for fault in case.contract.faults(case.kind, outcome)]
        self._outcomes.append(outcome)
        self._ends[f"{case}: {outcome.state}"] += 1

    def told(self) -> dict[str, Any]:
        return {
            "figure": "kills",
            "rounds": len(self._outcomes),
            "double runs": sum(outcome.begun > 1 for outcome in self._outcomes),
            "leftovers": sum(bool(outcome.left) for outcome in self._outcomes),
            "outcomes": dict(sorted(self._ends.items())),
        }
