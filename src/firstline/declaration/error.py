"""Several faults of users' files at once."""

from collections.abc import Iterable

from firstline.errors import Misdeclared


class Misdeclarations(Misdeclared):
    """Users' files are wrong in more than one place, or in one. `errors` has each with its own place."""

    def __init__(self, errors: Iterable[Misdeclared]) -> None:
        self.errors: tuple[Misdeclared, ...] = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))


def each(error: Misdeclared) -> tuple[Misdeclared, ...]:
    """The single faults in an error that may hold several."""
    return error.errors if isinstance(error, Misdeclarations) else (error,)
