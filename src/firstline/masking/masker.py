"""Masks a text that is there as a whole."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel

from firstline.masking.known import Known, replaced
from firstline.masking.pattern import MASK, is_secret, without_patterns

CACHED, CACHEABLE = 256, 4096  # texts, characters: an outcome is told on every record of its fault in the same words
LEARNED = 1000  # secrets that came later: each lease brings new ones, and the oldest are long over

ModelT = TypeVar("ModelT", bound=BaseModel)


class Masker:
    """Masks what looks like a secret, and the secrets it knows: in each of their forms, also where line breaks run
    through them. One is shared by all that shows text; threads may use it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._first = tuple(dict.fromkeys(secrets))
        self._learned: dict[str, None] = {}
        self._learning = threading.Lock()
        self._lately = _Lately(Known(self._first))

    def __call__(self, text: str) -> str:
        """The text with each secret replaced."""
        lately = self._lately
        return lately.cached(text) if len(text) <= CACHEABLE else lately.masked(text)

    @property
    def known(self) -> Known:
        """The secrets it knows now."""
        return self._lately.known

    def learn(self, secrets: Iterable[str]) -> None:
        """Know these too, from the next text on. Of those that are learned the latest `LEARNED` stay."""
        with self._learning:
            told = dict.fromkeys(secret for secret in secrets if secret not in self._first)
            known = set(self._learned)
            latest = [*(secret for secret in self._learned if secret not in told), *told][-LEARNED:]
            self._learned = dict.fromkeys(latest)
            if set(latest) != known:
                self._lately = _Lately(Known([*self._first, *latest]))

    def deep(self, value: Any) -> Any:
        """A JSON value with all its texts masked; a text under a secret's name wholly."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {key: MASK if is_secret(key, each) else self.deep(each) for key, each in value.items()}
        return [self.deep(each) for each in value] if isinstance(value, list | tuple) else value

    def model(self, value: ModelT) -> ModelT:
        """A copy of a model with all its texts masked."""
        return type(value).model_validate(self.deep(value.model_dump(mode="json")))


@dataclass
class _Lately:
    """What was masked lately, as long as nothing is learned: they are replaced together."""

    known: Known
    cached: Any = field(init=False)

    def __post_init__(self) -> None:
        self.cached = lru_cache(CACHED)(self.masked)

    def masked(self, text: str) -> str:
        spans, _ = self.known.spans(text)
        return without_patterns(replaced(text, spans)[0])
