"""Finds a character of a YAML scalar's value in the file, whatever its style: plain, quoted, folded or literal."""

import re

_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_BREAK = re.compile(r"[ \t]*\r?\n\s*")
_ESCAPED_BREAK = re.compile(r"\\\r?\n[ \t]*")


def align(source: str, start: int, value: str, offset: int) -> int:
    """The index in `source` of `value[offset]`, where the scalar begins at `start`. Where the two can't be followed
    side by side, `start`."""
    style = source[start : start + 1]
    at = _content(source, start, style)
    for character in value[:offset]:
        step = _step(source, at, character, style)
        if step is None:
            return start
        at = step
    return _skip_break(source, at, value[offset : offset + 1], style)


def _content(source: str, start: int, style: str) -> int:
    if style in {"'", '"'}:
        return start + 1
    header = _HEADER.match(source, start) if style in {"|", ">"} else None
    if header is None:
        return start
    return header.end() + len(source[header.end() :]) - len(source[header.end() :].lstrip())


def _step(source: str, at: int, character: str, style: str) -> int | None:
    """The index after `character`."""
    at = _skip_break(source, at, character, style)
    if style == '"' and source.startswith("\\", at):
        escape = _ESCAPE.match(source, at)
        return escape.end() if escape else None
    if style == "'" and source.startswith("''", at):
        return at + 2
    fold = _BREAK.match(source, at) if character in " \n" else None
    if fold:
        return fold.end()
    if source.startswith(character, at):
        return at + 1
    return at if character in " \n" and source[at - 1].isspace() else None  # the fold before took it as well


def _skip_break(source: str, at: int, character: str, style: str) -> int:
    """The index after a line break that stands in the file but not in the value."""
    escaped = _ESCAPED_BREAK.match(source, at) if style == '"' else None
    if escaped:
        return escaped.end()
    fold = _BREAK.match(source, at) if character not in {" ", "\n", ""} else None
    return fold.end() if fold else at
