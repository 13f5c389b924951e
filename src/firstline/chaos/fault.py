"""Chooses the fault that each request and each webhook meets, and counts them."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from firstline.chaos.settings import Chaos


class Faults:
    """Shared by all of one sandbox. Raises `ValueError` for settings that `Chaos` does not take."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.made: Counter[str] = Counter()
        self.change(settings)

    def change(self, settings: Mapping[str, Any]) -> None:
        """From now on these. Requests and webhooks are numbered anew; what was made so far stays counted."""
        self.settings = Chaos.model_validate(settings)
        self._number: Counter[str] = Counter()

    def of_request(self) -> str:
        """The name of the next request's fault; empty: none."""
        return self._of("request", Chaos.REQUEST)

    def of_hook(self) -> str:
        """The name of the next webhook's fault; empty: none."""
        return self._of("hook", Chaos.HOOK)

    def status(self) -> int:
        """How the request that was asked about last fails at the server."""
        return self._chance("status", self._number["request"]).choice((500, 502, 503))

    def _of(self, group: str, names: Sequence[str]) -> str:
        self._number[group] += 1
        left = self._chance(group, self._number[group]).random()
        for name in names:
            left -= getattr(self.settings, name)
            if left < 0:
                self.made[name] += 1
                return name
        return ""

    def _chance(self, group: str, number: int) -> random.Random:
        return random.Random(f"{self.settings.seed} {group} {number}")  # noqa: S311 - chance, not a secret
