"""What the agent answers when it does not do what it is asked: by name, as the hub's errors are."""


class Refusal(Exception):
    """`kind` is the hub's error for it."""

    kind = "unknown"


class Rejected(Refusal):
    kind = "rejected"


class Unavailable(Refusal):
    kind = "unavailable"


class Lost(Refusal):
    """Whether it began is not known yet: it is found when it is asked for again."""

    kind = "lost"


class Missing(Refusal):
    """The files of a run are not here: they are to be sent first."""

    kind = "missing"
