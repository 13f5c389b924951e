"""Resolves a runbook's commands and checks for its targets. What names an earlier step's outputs stays as it was
declared, and is marked: it is completed when it runs (`late`)."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import ExpressionFault, Scope, Template
from firstline.runbook.late import pointer
from firstline.runbook.model import CheckDeclaration, CommandDeclaration, ProgramDeclaration, UndoDeclaration
from firstline.runbook.plan import Check, Command, Http, Query
from firstline.runbook.runbook import Runbook, types
from firstline.runbook.target import address, port


class Parts:
    """`variables`: the inputs by their names in expressions. `batches`: the targets, as they are taken on."""

    def __init__(self, runbook: Runbook, variables: Mapping[str, Json], batches: Sequence[tuple[str, ...]]) -> None:
        self._declared = runbook.declaration
        self._early = runbook.target_scope
        self._variables = variables
        self._batches = batches

    @cached_property
    def steps(self) -> tuple[Command, ...]:
        """Batch by batch; in a batch the steps for each target, target by target, up to one that is for all of it."""
        return tuple(command for command, _ in self._numbered)

    @cached_property
    def rollback(self) -> tuple[Command, ...]:
        """What takes single steps back, by the number of each, then the rollback of the whole."""
        undone = tuple(
            self._undo(step.undo, command, number)
            for number, (command, step) in enumerate(self._numbered)
            if step.undo is not None
        )
        return undone + self.commands(self._declared.rollback)

    def commands(self, declared: Iterable[UndoDeclaration]) -> tuple[Command, ...]:
        every = tuple(declared)
        return tuple(
            Command(**self._program(one, target), batch=number)
            for number, targets in enumerate(self._batches)
            for target in targets
            for one in every
        )

    def checks(self, declared: Iterable[CheckDeclaration]) -> tuple[Check, ...]:
        every = tuple(declared)
        return tuple(
            self._check(one, target, number)
            for number, targets in enumerate(self._batches)
            for target in targets
            for one in every
        )

    @cached_property
    def _numbered(self) -> list[tuple[Command, CommandDeclaration]]:
        return [
            (command, step)
            for number, targets in enumerate(self._batches)
            for command, step in self._of_batch(number, targets)
            if command is not None
        ]

    def _of_batch(self, number: int, targets: tuple[str, ...]) -> Iterable[tuple[Command | None, CommandDeclaration]]:
        for each, steps in groupby(self._declared.steps, key=lambda step: step.each):
            segment = list(steps)
            if each == "batch":
                yield from ((self._step(step, ", ".join(targets), number, targets), step) for step in segment)
            else:
                for target in targets:
                    yield from ((self._step(step, target, number, ()), step) for step in segment)

    def _step(self, declared: CommandDeclaration, target: str, batch: int, targets: tuple[str, ...]) -> Command | None:
        """None where its condition is known to be false already."""
        when = self._when(declared, target)
        if when is None:
            return None
        return Command(
            **self._program(declared, target),
            id=declared.id,
            batch=batch,
            targets=targets,
            when=when,
            outputs={name: each.model_dump(mode="json") for name, each in declared.outputs.items()},
            outputs_from=declared.outputs_from,
            retries=declared.retries,
            pause=declared.pause,
        )

    def _undo(self, declared: UndoDeclaration, step: Command, number: int) -> Command:
        return Command(**self._program(declared, step.target), batch=step.batch, targets=step.targets, undoes=number)

    def _when(self, declared: CommandDeclaration, target: str) -> str | None:
        """The condition, where only earlier steps can tell; empty where it holds; None where it does not."""
        if not declared.when:
            return ""
        try:
            condition = self._early.compile(declared.when)
        except ExpressionFault:
            return declared.when
        try:
            return "" if condition.test(self.bindings(target)) else None
        except Rejected as error:
            raise Rejected(f"{declared.name}: when: {error}") from error

    def _check(self, declared: CheckDeclaration, target: str, batch: int) -> Check:
        text = _Texts(self, target)
        program = self._program(declared, target)
        try:
            return Check(
                **program,
                batch=batch,
                http=_http(declared, text),
                tcp=port(text.plain(declared.tcp)) if declared.tcp else "",
                query=_query(declared, text),
                alert=declared.alert,
                within=declared.within,
                every=declared.every,
                hold=declared.hold,
            )
        except Rejected as error:
            raise Rejected(f"{declared.name}: {error}") from error

    def _program(self, declared: ProgramDeclaration, target: str) -> dict[str, Any]:
        text = _Texts(self, target)
        try:
            run = tuple(text(each, ("run", at)) for at, each in enumerate(declared.run))
            environment = {name: text(each, ("environment", name)) for name, each in declared.environment.items()}
            parameters = text.deep(declared.with_, ("parameters",))
        except Rejected as error:
            raise Rejected(f"{declared.name}: {error}") from error
        return {
            "name": declared.name,
            "target": target,
            "executor": declared.executor,
            "run": run,
            "parameters": parameters,
            "environment": environment,
            "secrets": dict(declared.secrets),
            "bounds": declared.bounds.model_dump(),
            "sandbox": declared.sandbox and declared.sandbox.model_dump(),
            "late": tuple(text.late),
            "timeout": declared.timeout,
        }

    @cached_property
    def _late(self) -> Scope:
        return Scope(types(self._declared))

    def template(self, source: str) -> tuple[Template, bool]:
        """The template, and whether only earlier steps can complete it."""
        try:
            return Template(self._early, source), False
        except ExpressionFault:
            return Template(self._late, source), True

    def bindings(self, target: str) -> Any:
        return self._early.bind({**self._variables, "target": target})


class _Texts:
    """The texts of one command for one target; `late` gathers those that are left as they are."""

    def __init__(self, parts: Parts, target: str) -> None:
        self._parts = parts
        self._bindings = parts.bindings(target)
        self.late: list[str] = []

    def __call__(self, source: str, path: tuple[str | int, ...]) -> str:
        template, late = self._parts.template(source)
        if late:
            self.late.append(pointer(path))
            return source
        return _whole(source, template.text(self._bindings))

    def plain(self, source: str) -> str:
        """A text that earlier steps have no part in. Raises `Rejected` where one has."""
        template, late = self._parts.template(source)
        if late:
            raise Rejected(f"{source}: what earlier steps give can't stand here")
        return _whole(source, template.text(self._bindings))

    def deep(self, value: Json, path: tuple[str | int, ...]) -> Json:
        """A JSON value with its texts resolved: one that is a single `${{ }}` gets that value's type."""
        if isinstance(value, str):
            template, late = self._parts.template(value)
            if late:
                self.late.append(pointer(path))
                return value
            return template.evaluate(self._bindings)
        if isinstance(value, dict):
            return {key: self.deep(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self.deep(each, (*path, at)) for at, each in enumerate(value)]
        return value


def _http(declared: CheckDeclaration, text: _Texts) -> Http | None:
    if declared.http is None:
        return None
    url, contains = text.plain(declared.http.url), text.plain(declared.http.contains)
    return Http(url=address(url), status=declared.http.status, contains=contains)


def _query(declared: CheckDeclaration, text: _Texts) -> Query | None:
    query = declared.query
    if query is None:
        return None
    values = {name: text.plain(each) for name, each in query.values.items()}
    return Query(source=query.source, ask=query.ask, values=values, holds=query.holds)


def _whole(source: str, found: str) -> str:
    if "\0" in found:
        raise Rejected(f"{source}: a NUL character")
    return found
