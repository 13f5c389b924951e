"""Runs a pack's own test cases with the matcher that runs in production."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from firstline.declaration import Declaration, Document, Json, canonical, load
from firstline.declaration.error import each
from firstline.errors import Misdeclared
from firstline.incident import Event
from firstline.mapping.decision import Decision
from firstline.mapping.event_file import load_event
from firstline.mapping.load import Packs
from firstline.mapping.match import Matcher
from firstline.mapping.model import Mode


class Expectation(Declaration):
    """`mapping` is an id of the pack, or a full name; None: nothing matches. `error` is a part of the reason why the
    mapping that matches can't be acted on. What is left out is not compared; inputs left out have their default."""

    mapping: str | None
    mode: Mode | None = None
    inputs: dict[str, Json] | None = None
    dedupe: str | None = None
    error: str = ""


class CaseDeclaration(Declaration):
    name: str = Field(min_length=1)
    event: str = Field(min_length=1)
    environment: str = "prod"
    expect: Expectation


class TestFile(Declaration):
    __test__ = False  # pytest takes the name for a test

    cases: tuple[CaseDeclaration, ...]


@dataclass(frozen=True)
class Case:
    pack: str
    place: str
    declaration: CaseDeclaration
    event: Event


@dataclass(frozen=True)
class Result:
    """`differences` are sentences; none: the case passed."""

    pack: str
    name: str
    place: str
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True)
class Report:
    """`uncovered`: the mappings, by full name, that no case's event gets."""

    results: tuple[Result, ...]
    uncovered: tuple[str, ...]
    errors: tuple[Misdeclared, ...]

    @property
    def passed(self) -> bool:
        return not self.errors and all(result.passed for result in self.results)


def load_cases(folder: Path) -> tuple[list[Case], list[Misdeclared]]:
    """The cases of a pack's `tests.yaml`, none if there is no such file, and what is wrong with them."""
    file = folder / "tests.yaml"
    if not file.exists():
        return [], []
    try:
        document = load(file)
        declared = document.check(TestFile)
    except Misdeclared as error:
        return [], list(each(error))
    cases: list[Case] = []
    errors: list[Misdeclared] = []
    for number, case in enumerate(declared.cases):
        place = document.place(("cases", number, "name"))
        try:
            cases.append(Case(folder.name, place, case, _event(folder, case, document, number)))
        except Misdeclared as error:
            errors += each(error)
    return cases, errors


def run(packs: Packs) -> Report:
    """Run every case of every pack."""
    matcher = Matcher(packs.mappings)
    results: list[Result] = []
    errors: list[Misdeclared] = []
    covered: set[str] = set()
    for name in packs.names:
        cases, faults = load_cases(packs.folder / name)
        errors += faults
        for case in cases:
            decision = matcher.decide(case.event, environment=case.declaration.environment)
            covered.add(decision.mapping)
            differences = tuple(_differences(case, decision, _defaults(packs, decision)))
            results.append(Result(case.pack, case.declaration.name, case.place, differences))
    uncovered = tuple(mapping.name for mapping in matcher.mappings if mapping.name not in covered)
    return Report(tuple(results), uncovered, tuple(errors))


def _event(folder: Path, case: CaseDeclaration, document: Document, number: int) -> Event:
    path = (folder / case.event).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise document.error("the event's file must stand in the pack", ("cases", number, "event"))
    if not path.is_file():
        raise document.error(f"there is no {folder / case.event}", ("cases", number, "event"))
    return load_event(folder / case.event)


def _differences(case: Case, decision: Decision, defaults: dict[str, Json]) -> Iterator[str]:
    expect = case.declaration.expect
    wanted = _full(expect.mapping, case.pack)
    if decision.mapping != wanted:
        yield f"mapping: expected {wanted or 'nothing'}, got {decision.mapping or 'nothing'}"
        return
    if decision.outcome == "error" or expect.error:
        if not expect.error or expect.error not in decision.reason:
            yield f"error: expected {expect.error or 'none'!r}, got {decision.reason or 'none'!r}"
        return
    for name, expected, got in (
        ("mode", expect.mode, decision.mode),
        ("inputs", None if expect.inputs is None else defaults | expect.inputs, decision.inputs),
        ("dedupe", expect.dedupe, decision.dedupe),
    ):
        if expected is not None and canonical(expected) != canonical(got):  # to Python, true equals 1
            yield f"{name}: expected {expected!r}, got {got!r}"


def _defaults(packs: Packs, decision: Decision) -> dict[str, Json]:
    runbook = packs.runbooks.get((decision.pack, decision.runbook))
    return {name: one.default for name, one in runbook.declaration.inputs.items()} if runbook else {}


def _full(mapping: str | None, pack: str) -> str:
    if mapping is None:
        return ""
    return mapping if "/" in mapping else f"{pack}/{mapping}"
