"""Texts that are completed when they run, from what earlier steps gave: `${{ steps.find.pid }}`. What may come there is
known beforehand, for each output is declared with its type and bounds: an approver sees the text and what fits."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter

from firstline.declaration import Json
from firstline.errors import Rejected
from firstline.expression import Scope, Template, Type
from firstline.runbook.input import Input, value
from firstline.runbook.plan import Command, Program

ProgramT = TypeVar("ProgramT", bound=Program)
Path = tuple[str | int, ...]

_INPUT: TypeAdapter[Input] = TypeAdapter(Input)


def completed(program: ProgramT, types: Mapping[str, Type], values: Mapping[str, Json]) -> ProgramT:
    """The same with its late texts completed. Raises `Rejected` where a value is missing: its step did not give it."""
    if not program.late:
        return program
    scope = Scope(types)
    bindings = scope.bind({**values, "target": program.target})
    whole = program.model_dump(mode="json", include={"run", "environment", "parameters"})
    for pointer in program.late:
        holder, key = _place(whole, pointer)
        template = Template(scope, holder[key])
        typed = pointer.startswith("parameters/")
        holder[key] = template.evaluate(bindings) if typed else _text(template.text(bindings))
    return program.model_copy(update={**whole, "run": tuple(whole["run"]), "late": ()})


def goes(command: Command, types: Mapping[str, Type], values: Mapping[str, Json]) -> bool:
    """Whether its `when` holds. Raises `Rejected` where it can't be told."""
    if not command.when:
        return True
    scope = Scope(types)
    return scope.compile(command.when).test(scope.bind({**values, "target": command.target}))


def given(command: Command, told: Mapping[str, Json]) -> dict[str, Json]:
    """What a step gave, by the names that later texts use. What came as text is read as the type declared. Raises
    `Rejected` for what is missing or does not fit; what was not declared is left out."""
    found: dict[str, Json] = {}
    faults = []
    for name, declared in command.outputs.items():
        try:
            found[f"steps.{command.id}.{name}"] = _fitting(_INPUT.validate_python(_tuples(declared)), told, name)
        except Rejected as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise Rejected(f"outputs: {'; '.join(faults)}")
    return found


def pointer(path: Path) -> str:
    """A place as RFC 6901 writes it, without the first stroke."""
    return "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in path)


def _place(whole: Any, pointer: str) -> tuple[Any, Any]:
    """The list or object that a pointer's last key is of, and that key."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")]
    for key in keys[:-1]:
        whole = whole[int(key) if isinstance(whole, list) else key]
    return whole, int(keys[-1]) if isinstance(whole, list) else keys[-1]


def _fitting(declared: Input, told: Mapping[str, Json], name: str) -> Json:
    if name not in told:
        if declared.default is None:
            raise Rejected("the step did not give it")
        return declared.default
    return value(declared, _read(declared.type, told[name]))


def _read(kind: str, told: Json) -> Json:
    """A text as the type that is declared, where it spells such a value: a file of `key=value` has only texts."""
    if not isinstance(told, str) or kind == "string":
        return told
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[told.strip().lower()]
        return int(told) if kind == "integer" else float(told)
    except (KeyError, ValueError):
        return told


def _text(text: str) -> str:
    if "\0" in text:
        raise Rejected("a NUL character")
    return text


def _tuples(declared: Mapping[str, Json]) -> dict[str, Json]:
    return {key: tuple(each) if isinstance(each, list) else each for key, each in declared.items()}  # type: ignore[misc]


def leaves(value: Json, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in a JSON value, with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))
