"""Where a run was asked to be, and where it has been. Pure."""

from collections.abc import Collection


def elsewhere(asked: Collection[str], ran: Collection[str]) -> str:
    """In words, that it did not run where it was asked to, or ran beside it; empty when neither."""
    words = {
        "it did not run on": [target for target in asked if target not in ran],
        "it ran, and nobody asked for it, on": sorted(place for place in ran if place not in asked),
    }
    return "; ".join(f"{what} {', '.join(places)}" for what, places in words.items() if places)
