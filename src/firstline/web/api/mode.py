"""How much each mapping may do by itself, and who gave or took it."""

from functools import partial

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from firstline.access import Person, Right
from firstline.errors import Rejected
from firstline.hub import Hub
from firstline.mapping import CompiledMapping, Mode
from firstline.remediation.autonomy import mode as modes
from firstline.remediation.autonomy import promotion
from firstline.remediation.autonomy.promotion import Record
from firstline.web.api.access import Governing, Seeing, TheHub

router = APIRouter(tags=["modes"])


class ModeShown(BaseModel):
    """`counts` is what the mapping runs in, `why` where that is not what it declares; `record` what it has shown in
    mode `approve` since it last failed."""

    mapping: str
    environment: str
    declares: Mode
    counts: Mode
    why: str
    by: str
    reason: str
    record: Record


class Wanted(BaseModel):
    mode: Mode
    reason: str = Field(min_length=1, max_length=2000)


@router.get("/modes")
async def all_modes(hub: TheHub, person: Seeing) -> list[ModeShown]:
    """Of each mapping that you may see, in this hub's environment."""
    environment = hub.settings.hub.environment
    found = hub.decider.declarations.matcher.mappings
    return [await _shown(hub, each) for each in found if person.may(Right.SEE, pack=each.pack, environment=environment)]


@router.post("/modes/{pack}/{mapping}")
async def move(pack: str, mapping: str, wanted: Wanted, hub: TheHub, person: Governing) -> ModeShown:
    """Give the mapping a mode, or take one. `auto` asks for a row of verified successes: 409 says what is missing."""
    found = _find(hub, person, f"{pack}/{mapping}")
    environment = hub.settings.hub.environment
    counts = (await _shown(hub, found)).counts
    needed, given = hub.settings.modes.successes, (found, environment, wanted.mode, person.name, wanted.reason)
    register = promotion.taker(hub.settings)
    try:
        if modes.lower(counts, wanted.mode):
            await hub.database.write(lambda connection: promotion.promote(connection, *given, needed, register))
        elif wanted.mode != counts:
            await hub.database.write(lambda connection: promotion.lower(connection, *given))
    except Rejected as error:
        raise HTTPException(409, str(error)) from error
    return await _shown(hub, found)


def _find(hub: Hub, person: Person, name: str) -> CompiledMapping:
    environment = hub.settings.hub.environment
    found = next((each for each in hub.decider.declarations.matcher.mappings if each.name == name), None)
    if found is None or not person.may(Right.SEE, pack=found.pack, environment=environment):
        raise HTTPException(404, f"there is no mapping {name}")
    if not person.may(Right.GOVERN, pack=found.pack, environment=environment):
        raise HTTPException(403, f"{person.name} may not govern the pack {found.pack} in {environment}")
    return found


async def _shown(hub: Hub, mapping: CompiledMapping) -> ModeShown:
    environment = hub.settings.hub.environment
    declared, earned = mapping.declaration.mode_in(environment), hub.settings.modes.autonomy == "earned"
    moved = (await hub.database.read(modes.read)).get((mapping.name, environment))
    counts = modes.counting(declared, moved, mapping.runbook, earned=earned, digest=mapping.digest)
    return ModeShown(
        mapping=mapping.name,
        environment=environment,
        declares=declared,
        counts=counts.mode,
        why=counts.why,
        by=moved.by if moved else "",
        reason=moved.reason if moved else "",
        record=await hub.database.read(partial(promotion.shown, mapping=mapping, environment=environment)),
    )
