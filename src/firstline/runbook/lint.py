"""Finds in a runbook, before it is ever used, what would fail when it is: templates that don't compile, programs that
are not there, defaults that don't fit."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from firstline import registry
from firstline.declaration import Document, Json
from firstline.errors import Misdeclared, Rejected
from firstline.executor import Executor
from firstline.expression import ExpressionFault, Scope, Template, Type
from firstline.runbook.folder import counts
from firstline.runbook.input import StringInput, pattern_fault, value
from firstline.runbook.late import leaves
from firstline.runbook.model import (
    CheckDeclaration,
    CommandDeclaration,
    ProgramDeclaration,
    QueryDeclaration,
    RunbookDeclaration,
)
from firstline.runbook.plan import RESULT
from firstline.runbook.runbook import scopes, types

Path = tuple[str | int, ...]

SECTIONS = ("healthy", "before", "steps", "after", "rollback", "diagnose")
_TEXT = frozenset({"string", "integer", "number", "boolean", "any"})


class _Source(NamedTuple):
    path: Path
    text: str
    scope: Scope


def lint(declared: RunbookDeclaration, document: Document, files: Mapping[str, Json]) -> Iterator[Misdeclared]:
    """Every fault, with its place. `files` is the folder's inventory."""
    yield from _inputs(declared, document)
    yield from _targets(declared, document)
    for source in _sources(declared):
        yield from compile_fault(source.text, source.scope, document, source.path)
    for path, program in _programs(declared):
        fault = _program_fault(program, files)
        if fault:
            yield document.error(fault, path)
    yield from _addresses(declared, document)
    yield from _conditions(declared, document)
    yield from _with(declared, document)
    yield from _executors(declared, document)


def compile_fault(text: str, scope: Scope, document: Document, path: Path) -> Iterator[Misdeclared]:
    """What keeps a text from being a template that gives text."""
    try:
        template = Template(scope, text)
    except ExpressionFault as error:
        yield document.error(error.reason, path, error.offset)
        return
    if template.type not in _TEXT:
        yield document.error(f"gives {template.type}, which is no text", path)


def _inputs(declared: RunbookDeclaration, document: Document) -> Iterator[Misdeclared]:
    for name, one in declared.inputs.items():
        fault = pattern_fault(one.pattern) if isinstance(one, StringInput) else ""
        if fault:
            yield document.error(fault, ("inputs", name, "pattern"))
        elif one.default is not None:
            try:
                value(one, one.default)
            except Rejected as error:
                yield document.error(f"default {error}", ("inputs", name, "default"))


def _targets(declared: RunbookDeclaration, document: Document) -> Iterator[Misdeclared]:
    scope, _ = scopes(declared)
    for name in ("targets", "group"):
        given = getattr(declared, name)
        if isinstance(given, str):
            yield from _list_fault(given, scope, document, name)
            continue
        for number, text in enumerate(given):
            yield from compile_fault(text, scope, document, (name, number))


def _list_fault(text: str, scope: Scope, document: Document, name: str) -> Iterator[Misdeclared]:
    """What keeps a text from being a template that gives a list."""
    try:
        kind = Template(scope, text).type
    except ExpressionFault as error:
        yield document.error(error.reason, (name,), error.offset)
        return
    if kind != "any" and not kind.startswith("list"):
        yield document.error(f"gives {kind}, not a list; write a list of texts", (name,))


def _sources(declared: RunbookDeclaration) -> Iterator[_Source]:
    scope, _ = scopes(declared)
    for name in ("template", "ci", "risk", "backout"):
        text = getattr(declared.change, name, "")
        if text:
            yield _Source(("change", name), text, scope)
    if declared.note.text:
        yield _Source(("note", "text"), declared.note.text, scope)
    for path, one in _commands(declared):
        scope = _scope_at(declared, path)
        yield from (_Source((*path, "run", at), text, scope) for at, text in enumerate(one.run))
        yield from (_Source((*path, "environment", name), text, scope) for name, text in one.environment.items())
        if isinstance(one, CheckDeclaration):
            yield from _probes(one, path, scopes(declared)[1])


def _probes(check: CheckDeclaration, path: Path, scope: Scope) -> Iterator[_Source]:
    if check.http:
        yield _Source((*path, "http", "url"), check.http.url, scope)
        yield from [_Source((*path, "http", "contains"), check.http.contains, scope)] if check.http.contains else []
    if check.tcp:
        yield _Source((*path, "tcp"), check.tcp, scope)
    if check.query:
        yield from (_Source((*path, "query", "values", name), each, scope) for name, each in check.query.values.items())


def _commands(declared: RunbookDeclaration) -> Iterator[tuple[Path, ProgramDeclaration]]:
    """Every command and check, with its place."""
    for section in SECTIONS:
        for number, one in enumerate(getattr(declared, section)):
            yield (section, number), one
            if isinstance(one, CommandDeclaration) and one.undo is not None:
                yield (section, number, "undo"), one.undo


def _scope_at(declared: RunbookDeclaration, path: Path) -> Scope:
    """What may be used there: of a step's outputs only what is given before it; an undo has its own step's too."""
    section, number = path[0], int(path[1])
    before = 0 if section in ("healthy", "before") else None
    if section == "steps":
        before = number + (len(path) > 2)
    return _scope(tuple(types(declared, before).items()))


@lru_cache(64)
def _scope(variables: tuple[tuple[str, Type], ...]) -> Scope:
    return Scope(dict(variables))


def _with(declared: RunbookDeclaration, document: Document) -> Iterator[Misdeclared]:
    """Texts under `with`: unlike an argument, they may give values of any type."""
    for path, one in _commands(declared):
        for place, text in leaves(one.with_):
            try:
                Template(_scope_at(declared, path), text)
            except ExpressionFault as error:
                yield document.error(error.reason, (*path, "with", *place), error.offset)


def _programs(declared: RunbookDeclaration) -> Iterator[tuple[Path, str]]:
    for path, one in _commands(declared):
        if one.run:
            yield (*path, "run", 0), one.run[0]


def _conditions(declared: RunbookDeclaration, document: Document) -> Iterator[Misdeclared]:
    """CEL that stands without `${{ }}`."""
    for number, step in enumerate(declared.steps):
        if step.when:
            scope = _scope_at(declared, ("steps", number))
            yield from _condition_fault(step.when, scope, document, ("steps", number, "when"))
    for path, one in _commands(declared):
        if isinstance(one, CheckDeclaration) and one.query:
            yield from _condition_fault(one.query.holds, RESULT, document, (*path, "query", "holds"))
            yield from _ask_faults(one.query, document, (*path, "query"))


def _condition_fault(text: str, scope: Scope, document: Document, path: Path) -> Iterator[Misdeclared]:
    try:
        kind = scope.compile(text).type
    except ExpressionFault as error:
        yield document.error(error.reason, path, error.offset)
        return
    if kind not in ("boolean", "any"):
        yield document.error(f"gives {kind}, not true or false", path)


def _ask_faults(query: QueryDeclaration, document: Document, path: Path) -> Iterator[Misdeclared]:
    if "${{" in query.ask:
        yield document.error("is written out: a value comes as `:name`, from `values`", (*path, "ask"))
    for name in query.values:
        if not re.search(rf"(?<![\w:]):{name}(?![\w:])", query.ask):
            yield document.error(f"`ask` has no :{name}", (*path, "values", name))


def _executors(declared: RunbookDeclaration, document: Document) -> Iterator[Misdeclared]:
    """What an installed executor would refuse. One that firstline.toml gives a name of its own is looked at when a plan
    is made."""
    for path, one in _commands(declared):
        if (one.run or one.with_) and one.executor in registry.names(registry.EXECUTORS):
            kind = registry.executor(one.executor)
            yield from _told(one, kind, document, path)
            if isinstance(one, CommandDeclaration) and one.each == "batch" and not kind.many:
                yield document.error(f"{one.executor} takes one target at a time", (*path, "each"))


def _told(one: ProgramDeclaration, kind: type[Executor[Any]], document: Document, path: Path) -> Iterator[Misdeclared]:
    if one.run and not kind.runs:
        yield document.error(f"{one.executor} runs no program: say under `with` what it does", (*path, "run"))
    templates = {place for place, text in leaves(one.with_) if "${{" in text}
    try:
        kind.step_model.model_validate(one.with_)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            # What a value gives is known for each incident only: then it is looked at again.
            if not any(place[: len(each["loc"])] == each["loc"] for place in templates):
                yield document.error(each["msg"], (*path, "with", *each["loc"]))


def _program_fault(program: str, files: Mapping[str, Json]) -> str:
    if not program.strip() or "${{" in program:
        return "the program must be named here; a value may only choose its arguments"
    if not program.startswith("./"):
        relative = "/" in program and not program.startswith("/")
        return "a program in the runbook's folder begins with ./" if relative else ""
    name = program.removeprefix("./")
    file = files.get(name)
    if not isinstance(file, dict) or not counts(name):
        return f"{program} is not in the runbook's folder"
    return "" if file["executable"] else f"{program} is not executable (chmod +x)"


def _addresses(declared: RunbookDeclaration, document: Document) -> Iterator[Misdeclared]:
    for section in ("healthy", "before", "after"):
        for number, check in enumerate(getattr(declared, section)):
            if check.http and not check.http.url.startswith(("http://", "https://")):
                yield document.error("an address begins with http:// or https://", (section, number, "http", "url"))
