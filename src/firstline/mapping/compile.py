"""A mapping made ready to be matched: its condition split and compiled, its values held against the inputs of its
runbook."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from firstline.declaration import Document, Json, digest
from firstline.errors import Misdeclared, Rejected
from firstline.expression import Expression, ExpressionFault, Template
from firstline.expression.conjunct import conjuncts
from firstline.mapping.condition import Condition, condition
from firstline.mapping.model import MappingDeclaration
from firstline.mapping.variable import SCOPE
from firstline.runbook import Input, Runbook
from firstline.runbook.input import value

_FITS = {
    "string": {"string", "any"},
    "integer": {"integer", "number", "any"},
    "number": {"integer", "number", "any"},
    "boolean": {"boolean", "any"},
}


@dataclass(frozen=True)
class Clause:
    expression: Expression
    condition: Condition | None


@dataclass(frozen=True)
class CompiledMapping:
    pack: str
    place: str
    declaration: MappingDeclaration
    runbook: Runbook
    clauses: tuple[Clause, ...]
    inputs: dict[str, Template | Json]
    dedupe: Template | None
    correlate: Template | None = None

    @cached_property
    def name(self) -> str:
        return f"{self.pack}/{self.declaration.id}"

    @cached_property
    def digest(self) -> str:
        """Of what it declares and of its runbook: what it has earned holds for exactly this."""
        return digest([self.declaration.model_dump(mode="json"), self.runbook.digest])

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(each.condition for each in self.clauses if each.condition)

    @property
    def resolve(self) -> bool:
        """Whether a proved fix resolves the incident. Nothing is proved without a check."""
        provable = self.runbook.changes and bool(self.runbook.declaration.after)
        return provable if self.declaration.resolve is None else self.declaration.resolve


class Compiler:
    """Compiles the mappings of one file. `errors` collects what is wrong with them."""

    def __init__(self, pack: str, document: Document) -> None:
        self.errors: list[Misdeclared] = []
        self._pack = pack
        self._document = document

    def compile(self, number: int, declared: MappingDeclaration, runbook: Runbook) -> CompiledMapping | None:
        """The mapping that stands at `number`, or None when it has errors."""
        before = len(self.errors)
        path = ("mappings", number)
        clauses = self._clauses(declared.when, (*path, "when"))
        inputs = self._inputs(declared, runbook, path)
        dedupe = self._word(declared.dedupe, (*path, "dedupe"))
        correlate = self._word(declared.correlate, (*path, "correlate"))
        if declared.resolve and not runbook.declaration.after:
            words = f"runbook {runbook.id} has no check in `after`: nothing would prove that the incident is resolved"
            self.errors.append(self._document.error(words, (*path, "resolve")))
        if len(self.errors) > before:
            return None
        place = self._document.place((*path, "id"))
        return CompiledMapping(self._pack, place, declared, runbook, clauses, inputs, dedupe, correlate)

    def _clauses(self, text: str, path: tuple[str | int, ...]) -> tuple[Clause, ...]:
        try:
            whole = SCOPE.compile(text)
        except ExpressionFault as error:
            self.errors.append(self._document.error(error.reason, path, error.offset))
            return ()
        if whole.type not in _FITS["boolean"]:
            self.errors.append(self._document.error(f"gives {whole.type}; a condition gives true or false", path))
        return tuple(Clause(SCOPE.compile(part.text), condition(part.text, SCOPE)) for part in conjuncts(text))

    def _word(self, text: str, path: tuple[str | int, ...]) -> Template | None:
        """A template that gives a text by which things are told apart."""
        found = self._template(text, path) if text else None
        if found and found.type not in _FITS["string"] | {"integer"}:
            self.errors.append(self._document.error(f"gives {found.type}, which is no text", path))
        return found

    def _template(self, text: str, path: tuple[str | int, ...]) -> Template | None:
        try:
            return Template(SCOPE, text)
        except ExpressionFault as error:
            self.errors.append(self._document.error(error.reason, path, error.offset))
            return None

    def _inputs(
        self, declared: MappingDeclaration, runbook: Runbook, path: tuple[str | int, ...]
    ) -> dict[str, Template | Json]:
        known = runbook.declaration.inputs
        missing = [name for name, one in known.items() if one.default is None and name not in declared.inputs]
        if missing:
            where = (*path, "inputs") if declared.inputs else (*path, "runbook")
            words = f"runbook {runbook.id} needs the input{'s' * (len(missing) > 1)} {', '.join(missing)}"
            self.errors.append(self._document.error(words, where))
        found: dict[str, Template | Json] = {}
        for name, given in declared.inputs.items():
            where = (*path, "inputs", name)
            if name not in known:
                words = f"runbook {runbook.id} has no input {name!r}; it has {', '.join(known) or 'none'}"
                self.errors.append(self._document.key_error(words, where))
                continue
            found[name] = self._template(given, where) if isinstance(given, str) else given
            self.errors += [self._document.error(words, where) for words in _misfits(known[name], found[name])]
        return found


def _misfits(declared: Input, given: Template | Json) -> Iterator[str]:
    """Why a value can't fit its input, as far as that is known before an event is."""
    if isinstance(given, Template) and not given.literal:
        if given.type not in _FITS[declared.type]:
            yield f"gives {given.type}, but the input is {declared.type}"
        return
    try:
        value(declared, given.source if isinstance(given, Template) else given)
    except Rejected as error:
        yield str(error)
