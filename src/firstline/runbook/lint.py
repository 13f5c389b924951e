"""Finds in a runbook, before it is ever used, what would fail when it is: templates that don't compile, programs that
are not there, defaults that don't fit."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from firstline.declaration import Document, Json
from firstline.errors import Misdeclared, Rejected
from firstline.expression import ExpressionFault, Scope, Template
from firstline.runbook.folder import counts
from firstline.runbook.input import StringInput, pattern_fault, value
from firstline.runbook.model import RunbookDeclaration
from firstline.runbook.runbook import scopes

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
    scope, target_scope = scopes(declared)
    for name in ("template", "ci", "risk", "backout"):
        text = getattr(declared.change, name, "")
        if text:
            yield _Source(("change", name), text, scope)
    if declared.note.text:
        yield _Source(("note", "text"), declared.note.text, scope)
    for section in SECTIONS:
        for number, one in enumerate(getattr(declared, section)):
            path: Path = (section, number)
            yield from (_Source((*path, "run", at), text, target_scope) for at, text in enumerate(one.run))
            for name, text in one.environment.items():
                yield _Source((*path, "environment", name), text, target_scope)
            http = getattr(one, "http", None)
            if http:
                yield _Source((*path, "http", "url"), http.url, target_scope)
                yield from [_Source((*path, "http", "contains"), http.contains, target_scope)] if http.contains else []


def _programs(declared: RunbookDeclaration) -> Iterator[tuple[Path, str]]:
    for section in SECTIONS:
        for number, one in enumerate(getattr(declared, section)):
            if one.run:
                yield (section, number, "run", 0), one.run[0]


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
