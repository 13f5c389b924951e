"""A claim of the story, and whether it holds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Proof:
    """A claim, whether it holds, and what was seen where it doesn't."""

    claim: str
    holds: bool
    seen: str = ""


def equal(claim: str, wanted: object, seen: object) -> Proof:
    return Proof(claim, wanted == seen, f"{seen!r}, not {wanted!r}")
