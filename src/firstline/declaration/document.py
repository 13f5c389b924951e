"""A parsed file: its value, and where in the file each part of it stands."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from firstline.declaration.align import align
from firstline.declaration.error import Misdeclarations
from firstline.declaration.model import Json
from firstline.declaration.place import breaks, place
from firstline.errors import Misdeclared

ModelT = TypeVar("ModelT", bound=BaseModel)
Path = tuple[str | int, ...]


class Span(NamedTuple):
    """From the first character of a value to the one after its last, counted from the start of the file."""

    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """`values` and `keys` give the span of each value, and of its key where it has one, by its path from the root."""

    file: str
    source: str
    value: Json
    values: dict[Path, Span]
    keys: dict[Path, Span]

    def place(self, path: Path = (), offset: int | None = None) -> str:
        """`file:line:column`, both from 1. `offset` points into the text at `path`, in characters."""
        span = self.values[path]
        text = self._at(path)
        if offset is None or not isinstance(text, str):
            return self._place(span.start)
        return self._place(align(self.source[: span.end], span.start, text, offset))

    def error(self, message: str, path: Path = (), offset: int | None = None) -> Misdeclared:
        return Misdeclared(message, place=self.place(path, offset))

    def key_error(self, message: str, path: Path) -> Misdeclared:
        """An error about the key at `path`, not its value."""
        return Misdeclared(message, place=self._place(self.keys.get(path, self.values[path]).start))

    def check(self, model: type[ModelT]) -> ModelT:
        """The value as a model. Raises `Misdeclarations` with every fault and its place."""
        try:
            return model.model_validate_json(orjson.dumps(self.value))
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=True)
            raise Misdeclarations(sorted(map(self._fault, faults), key=_order)) from error

    def _fault(self, fault: Any) -> Misdeclared:
        path = self._path(fault["loc"])
        if fault["type"] == "extra_forbidden":
            return self.key_error(f"unknown key {path[-1]!r}", path)
        if fault["type"] == "missing":
            return self.error(f"{str(fault['loc'][-1])!r} is missing", path)
        message = fault["msg"].removeprefix("Value error, ")
        given = fault["input"]
        shown = f", not {given!r}" if message.startswith("Input should be") and not _long(given) else ""
        return self.error(f"{_name(path)}{message}{shown}", path)

    def _path(self, location: tuple[str | int, ...]) -> Path:
        path: Path = ()
        for step in location:  # steps that are no key of the file name a member of a union
            if (*path, step) in self.values:
                path = (*path, step)
        return path

    def _at(self, path: Path) -> Json:
        value: Any = self.value
        for step in path:
            value = value[step]
        return value  # type: ignore[no-any-return]

    def _place(self, index: int) -> str:
        return place(self.file, self._breaks, index)

    @cached_property
    def _breaks(self) -> list[int]:
        return breaks(self.source)


def _name(path: Path) -> str:
    return f"{path[-1]}: " if path and isinstance(path[-1], str) else ""


def _long(value: object) -> bool:
    return isinstance(value, dict | list) or len(repr(value)) > 80


def _order(error: Misdeclared) -> tuple[int, int]:
    _, line, column = error.place.rsplit(":", 2)
    return int(line), int(column)
