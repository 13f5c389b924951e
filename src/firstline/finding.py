"""What a look at a connection or an executor finds."""

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """One result of `check`: what was looked at, whether it is well, and what to do if not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    subject: str
    message: str
    mend: str = ""
