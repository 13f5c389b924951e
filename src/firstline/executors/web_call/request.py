"""A declared call with its placeholders filled in: what is sent. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from firstline.errors import Rejected
from firstline.executors.web_call.declaration import PLACEHOLDER, Call, see_below_base

Words = Mapping[str, str]  # what stands for each placeholder: "id", "key", "offset", "secret:NAME"


@dataclass
class Request:
    """As a client takes it. The body may hold secrets."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    content: bytes | None = field(default=None, repr=False)

    def options(self) -> dict[str, Any]:
        # An empty mapping would take away what `path` has; there is nothing to take away.
        given = {"params": self.params, "headers": self.headers, "content": self.content}
        return {name: value for name, value in given.items() if value}


def fill(call: Call, words: Words) -> Request:
    """Raises `Rejected` when what is filled in leads the path out of the base, or can't stand in a header."""
    see_path(call)
    path = PLACEHOLDER.sub(lambda found: _segment(words[found[1]]), call.path)
    headers = {name: _text(value, words) for name, value in call.headers.items()}
    if any(not _printable(value) for value in headers.values()):
        raise Rejected("what is filled into a header can't stand in one")
    content = _body(call, words)
    if call.content is not None:
        headers = {"Content-Type": "application/json", **headers}
    return Request(
        method=call.method,
        path=path,
        params={name: _text(_scalar(value), words) for name, value in call.query.items()},
        headers=headers,
        content=content,
    )


def see_path(call: Call) -> None:
    """Raises `Rejected` when it leads out of the base."""
    try:
        see_below_base(PLACEHOLDER.sub("x", call.path))
    except ValueError as error:
        raise Rejected(str(error)) from None


def _segment(value: str) -> str:
    """A slash is quoted; a server may unquote it before it looks for dots."""
    if not value or any(part in (".", "..") for part in re.split(r"[/\\\\]", value)):
        raise Rejected(f"{value!r} can't stand in a path")
    return quote(value, safe="")


def _body(call: Call, words: Words) -> bytes | None:
    if call.content is not None:
        return json.dumps(_deep(call.content, words)).encode()
    return _text(call.body, words).encode() if call.body else None


def _deep(value: JsonValue, words: Words) -> JsonValue:
    if isinstance(value, str):
        return _text(value, words)
    if isinstance(value, dict):
        return {name: _deep(each, words) for name, each in value.items()}
    return [_deep(each, words) for each in value] if isinstance(value, list) else value


def _text(text: str, words: Words) -> str:
    return PLACEHOLDER.sub(lambda found: words[found[1]], text)


def _scalar(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _printable(value: str) -> bool:
    return all(character == "\t" or " " <= character <= "~" for character in value)
