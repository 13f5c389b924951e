"""What a look at a connection finds."""

from firstline.connector.value import Value


class Finding(Value):
    """One result of `check`: what was looked at, whether it is well, and what to do if not."""

    ok: bool
    subject: str
    message: str
    mend: str = ""
