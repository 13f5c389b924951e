"""Takes secrets, and what looks like them, out of text before it is kept or shown. Pure."""

from collections.abc import Iterable

MASK = "[masked]"
SHORTEST = 6  # characters: a shorter secret would mask ordinary words


class Masker:
    """Made once from the values of all references in the settings."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with each secret replaced."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text
