"""What keeps remediations from going on, and how people stop them, let them go on, or past it."""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from firstline.access import Person, Right
from firstline.errors import Rejected
from firstline.guard import GuardName, Hold
from firstline.guard.override import Override
from firstline.hub import Hub
from firstline.remediation.hold import override as overrides
from firstline.remediation.hold import switch, verdict
from firstline.remediation.hold.overview import Overview, overview
from firstline.store.table import REMEDIATION, now
from firstline.web.api.access import Governing, Seeing, TheHub
from firstline.web.api.scope import admit, reach

T = TypeVar("T")

router = APIRouter(tags=["guards"])


class VerdictShown(BaseModel):
    """`holds` empty: it passes. `is_set` false: nothing is asked of it. `covered`: an override lets it past."""

    guard: GuardName
    holds: list[Hold]
    is_set: bool
    covered: bool


class GuardsShown(BaseModel):
    """`guards` is empty once it has ended: `outcome` and `reason` say how."""

    remediation_id: str
    outcome: str
    reason: str
    override: Override | None
    guards: list[VerdictShown]


class Because(BaseModel):
    reason: str = Field(min_length=1, max_length=2000)


class Scope(Because):
    scope: str = Field(
        description="all, connection:NAME, runbook:PACK/ID, service:NAME, environment:NAME or remediation:ID"
    )


class Switched(BaseModel):
    scope: str
    thrown: bool


@router.get("/guards")
async def guards(hub: TheHub, person: Seeing) -> Overview:
    """Windows of now and the next day; of kill switches, breakers, locks and what is held, what you may see."""
    mine = reach(hub, person, Right.SEE, REMEDIATION)
    found = await hub.database.read(lambda connection: overview(connection, hub.calendars.windows, now(), mine))
    breakers = [each for each in found.breakers if _sees(person, each.runbook, each.environment)]
    switches = [each for each in found.switches if _sees_switch(person, each.scope, hub.settings.hub.environment)]
    return found.model_copy(update={"breakers": breakers, "switches": switches})


@router.get("/remediations/{remediation_id}/guards")
async def why(remediation_id: str, hub: TheHub, person: Seeing) -> GuardsShown:
    """What each guard says of it now: why it holds, until when, and what a person can do about it."""
    await admit(hub, person, Right.SEE, REMEDIATION, remediation_id)
    return await hub.database.read(lambda connection: _why(connection, hub, remediation_id))


@router.post("/remediations/{remediation_id}/override")
async def override(remediation_id: str, hub: TheHub, person: Governing, because: Because) -> Override:
    """Emergency: let it past what holds it, as it is planned now; but for a kill switch, and for more targets than may
    be touched at once. Told on its incident, in the ledger, and to who is called. 409 when it has ended."""
    await admit(hub, person, Right.GOVERN, REMEDIATION, remediation_id)
    pager, url = hub.context.governor.pager, hub.context.url
    made = await _do(
        hub,
        lambda connection: overrides.override(
            connection, remediation_id, person, because.reason, now(), pager=pager, url=url
        ),
    )
    hub.context.wake()
    return made


@router.post("/guards/stop")
async def stop(hub: TheHub, person: Governing, asked: Scope) -> Switched:
    """Throw a kill switch: nothing of its scope begins any more, until it is lifted; what runs of a remediation that is
    named is ended."""
    await _governs(hub, person, asked.scope)
    scope = await _do(hub, lambda connection: switch.throw(connection, asked.scope, person.name, asked.reason))
    return Switched(scope=scope, thrown=True)


@router.post("/guards/lift")
async def lift(hub: TheHub, person: Governing, asked: Scope) -> Switched:
    """Lift a kill switch. What it held goes on where nothing else holds it."""
    await _governs(hub, person, asked.scope)
    scope = await _do(hub, lambda connection: switch.lift(connection, asked.scope, person.name, asked.reason))
    hub.context.wake()
    return Switched(scope=scope, thrown=False)


async def _do(hub: Hub, act: Callable[[sa.Connection], T]) -> T:
    try:
        return await hub.database.write(act)
    except Rejected as error:
        raise HTTPException(409, str(error)) from error


async def _governs(hub: Hub, person: Person, scope: str) -> None:
    environment = hub.settings.hub.environment
    if not await hub.database.read(lambda connection: switch.may(connection, person, scope, environment)):
        raise HTTPException(403, f"{person.name} may not govern {scope}")


def _sees(person: Person, runbook: str, environment: str) -> bool:
    return person.may(Right.SEE, pack=runbook.partition("/")[0], environment=environment)


def _sees_switch(person: Person, scope: str, environment: str) -> bool:
    """A runbook's is for who may see its pack; any other may stop what is theirs."""
    kind, _, name = scope.partition(":")
    return kind != "runbook" or _sees(person, name, environment)


def _why(connection: sa.Connection, hub: Hub, remediation_id: str) -> GuardsShown:
    columns = (REMEDIATION.c.outcome, REMEDIATION.c.reason, REMEDIATION.c.override)
    row = connection.execute(sa.select(*columns).where(REMEDIATION.c.id == remediation_id)).mappings().one()
    found = verdict.why(connection, remediation_id, hub.settings.guards, hub.calendars.windows, now())
    said = [dataclasses.asdict(each) for each in found]
    return GuardsShown.model_validate({**row, "remediation_id": remediation_id, "guards": said})
