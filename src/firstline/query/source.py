"""What a check can ask."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from firstline.declaration import Json


class Answer(NamedTuple):
    """`value`: the first one; None where there is none, or it is no number that counts. `number`: of rows or series."""

    value: Json
    number: int


class Source(Protocol):
    """Something that answers questions, as the operator has named it."""

    async def ask(self, text: str, values: Mapping[str, str], timeout: float) -> Answer:
        """Ask once, for at most `timeout` seconds. `values` stand for `:name` in the text, as texts, whatever is in
        them. Raises `Rejected` for a question that can't be asked, `Unauthorized`, `Unavailable`."""

    async def aclose(self) -> None: ...


def named(name: str) -> str:
    """The pattern of a value's place. Not of a name with colons inside (`job:errors:rate5m`), nor a cast (`::text`)."""
    return rf"(?<![\w:]):{re.escape(name)}(?![\w:])"


def placed(text: str, values: Mapping[str, str], quoted: Callable[[str], str]) -> str:
    """The text with each value at its places, all in one go: a value is never searched for places."""
    if not values:
        return text
    places = re.compile("|".join(f"({named(name)})" for name in values))
    return places.sub(lambda found: quoted(values[found[0][1:]]), text)
