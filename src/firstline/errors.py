"""Errors named by what happens next. A connector or executor raises these and nothing else on purpose."""


class FirstlineError(Exception):
    """Something went wrong that Firstline knows how to treat. The message says what, and the mend."""


class Unavailable(FirstlineError):
    """The other side can't answer now: down, slow, rate-limited, or the connection broke. The hub tries again later.

    `retry_after` is the wait in seconds that the other side asked for, or None when it named none.
    A write that ended in `Unavailable` may have taken effect all the same; `perhaps` says so where it is known.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, perhaps: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.perhaps = perhaps


class Unauthorized(FirstlineError):
    """Who asks is not who they claim or is not signed in: a bad signature, a refused password or token.

    From a webhook it is answered 401. From a vendor's API it pauses the connection and a person is told.
    """


class Rejected(FirstlineError):
    """The other side understood and refuses, or what it sent can't be used. Trying again changes nothing.

    What it was about is parked for a person, with the vendor's own words.
    """


class Unknown(FirstlineError):
    """Whether something happened can't be known, for instance after a crash. It is never tried again by itself:
    a person decides."""


class Misdeclared(FirstlineError):
    """A user's file is wrong. `place` is `file:line:column`; the message says what is wrong there and the mend."""

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.reason = message
