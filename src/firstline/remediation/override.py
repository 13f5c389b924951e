"""A named person lets one remediation past its holds, and says why."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Override(BaseModel):
    """Of one plan: another one of the same remediation is held again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str
    reason: str
    plan_digest: str
    at: datetime
