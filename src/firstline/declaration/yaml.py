"""Parses YAML into plain JSON values and keeps the place of each. Only what a declaration needs: one document, keys
that are text and stand once, no tags, no anchors (so that nothing small can unfold into something large)."""

from collections.abc import Iterator
from typing import Any

import yaml

from firstline.declaration.document import Document, Path, Span
from firstline.declaration.model import Json
from firstline.declaration.place import breaks, place
from firstline.declaration.scalar import resolve
from firstline.errors import Misdeclared

SIZE_LIMIT = 4_194_304  # characters
DEPTH_LIMIT = 32

_OUTER = (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)


def parse(source: str, file: str) -> Document:
    """Parse one document; `file` names it in errors. Raises `Misdeclared` at the first fault."""
    if len(source) > SIZE_LIMIT:
        raise Misdeclared(f"longer than {SIZE_LIMIT} characters", place=f"{file}:1:1")
    return _Composer(source, file).compose()


class _Composer:
    def __init__(self, source: str, file: str) -> None:
        self._source = source
        self._file = file
        self._values: dict[Path, Span] = {}
        self._keys: dict[Path, Span] = {}

    def compose(self) -> Document:
        events = self._events()
        first = next(events, None)
        if first is None:
            raise self._error("the file is empty", 0)
        value = self._node(first, events, ())
        second = next(events, None)
        if second is not None:
            raise self._refuse("a second document in one file", second)
        return Document(self._file, self._source, value, self._values, self._keys)

    def _events(self) -> Iterator[yaml.Event]:
        try:
            for event in yaml.parse(self._source, Loader=yaml.CSafeLoader):
                if not isinstance(event, _OUTER):
                    yield event
        except yaml.MarkedYAMLError as error:
            mark: Any = error.problem_mark or error.context_mark
            raise self._error(error.problem or "not YAML", mark.index) from error
        except yaml.reader.ReaderError as error:
            before = self._source.encode()[: error.position].decode(errors="ignore")  # libyaml counts bytes here
            raise self._error("a character that YAML does not allow", len(before)) from error

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Json:
        self._refuse_extras(event)
        if len(path) > DEPTH_LIMIT:
            raise self._refuse(f"nested deeper than {DEPTH_LIMIT}", event)
        self._values[path] = _span(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return self._mapping(events, path)

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[Json]:
        found: list[Json] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(self._node(event, events, (*path, len(found))))
        return found

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Json]:
        found: dict[str, Json] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._key(event)
            if key in found:
                raise self._refuse(f"the key {key!r} stands here a second time", event)
            self._keys[(*path, key)] = _span(event)
            found[key] = self._node(next(events), events, (*path, key))
        return found

    def _key(self, event: yaml.Event) -> str:
        self._refuse_extras(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse("a key must be text", event)
        return str(event.value)

    def _scalar(self, event: yaml.ScalarEvent) -> Json:
        plain = event.style is None or event.style == ""
        try:
            return resolve(event.value) if plain else str(event.value)
        except ValueError as error:
            raise self._refuse(str(error), event) from error

    def _refuse_extras(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise self._refuse("anchors and aliases are not used here; write the value out", event)
        if getattr(event, "tag", None):
            raise self._refuse("tags are not used here", event)

    def _refuse(self, message: str, event: yaml.Event) -> Misdeclared:
        return self._error(message, _span(event).start)

    def _error(self, message: str, index: int) -> Misdeclared:
        return Misdeclared(message, place=place(self._file, breaks(self._source), index))


def _span(event: yaml.Event) -> Span:
    start: Any = event.start_mark  # always there in events that libyaml makes
    end: Any = event.end_mark
    return Span(start.index, end.index)
