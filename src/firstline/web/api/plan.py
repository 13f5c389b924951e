"""Plans, without running anything."""

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import model_validator

from firstline.access import Right
from firstline.errors import Rejected
from firstline.incident import Event
from firstline.mapping.event_file import filled
from firstline.remediation.autonomy import policy
from firstline.remediation.planning.shown import PlanShown, shown
from firstline.web.api.access import Seeing, TheHub

router = APIRouter(tags=["plans"])


class Told(Event):
    """An event as people write it down: `id`, `reference` and `occurred_at` may be left out."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, found: Any) -> Any:
        return filled(found, "event") if isinstance(found, dict) else found


@router.post("/plans")
async def plan(event: Told, hub: TheHub, person: Seeing) -> PlanShown:
    """The plan that an event would get now: commands as they will run, targets, checks, rollback, limits, change,
    approvals, and the digest that an approval binds. Nothing is stored, asked or run. 422 where there is none."""
    standing = await hub.database.read(policy.read)
    try:
        made = hub.decider.plan_for(event, standing)
    except Rejected as error:
        raise HTTPException(422, f"there is no plan: {error}") from error
    if not person.may(Right.SEE, pack=made.pack, environment=made.environment):
        raise HTTPException(403, f"{person.name} may not see the pack {made.pack} in {made.environment}")
    return shown(made)
