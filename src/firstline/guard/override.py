"""A named person lets one remediation past its holds, and says why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from firstline.guard.hold import GuardName

# What no person may pass: who throws a kill switch means everybody, and what touches too much is another plan.
NEVER_PASSED: frozenset[GuardName] = frozenset({"switch", "blast"})


class Override(BaseModel):
    """Of one plan: another one of the same remediation is held again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str
    reason: str
    plan_digest: str
    at: datetime

    def covers(self, guard: GuardName) -> bool:
        return guard not in NEVER_PASSED


def override_of(row: Mapping[str, Any]) -> Override | None:
    """The override of a remediation (its row), where it is of the plan that is to run."""
    found = Override.model_validate(row["override"]) if row["override"] else None
    return found if found and found.plan_digest == row["plan_digest"] else None
