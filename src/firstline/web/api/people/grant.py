"""Who I am, what is granted to whom, and whose approvals another gives for a time."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException

from firstline.access import Person, Right, delegation, groups_of, profile
from firstline.access import grant as grants
from firstline.hub import Hub
from firstline.web.api.access import Governing, Known, TheHub, everywhere
from firstline.web.api.people.act import act
from firstline.web.api.people.model import Delegating, DelegationShown, Granting, GrantShown, Me

router = APIRouter()


@router.get("/me", response_model=Me)
async def me(hub: TheHub, person: Known) -> dict[str, Any]:
    """Who I am, and what I may by which grant."""
    groups = await hub.database.read(lambda connection: groups_of(connection, person.name))
    given = await hub.database.read(lambda connection: profile.delegations(connection, person.name))
    return {**person.model_dump(), "groups": sorted(groups), "delegations": given}


@router.get("/grants", response_model=list[GrantShown])
async def listed(hub: TheHub, _: Governing) -> list[dict[str, Any]]:
    """Every grant there is."""
    return await hub.database.read(profile.grants)


@router.post("/grants")
async def give(new: Granting, hub: TheHub, by: Governing) -> Granting:
    """Give a person or a group rights, where the caller governs: `*` needs `*`. Never to oneself."""
    return await _change(hub, by, new, grants.grant)


@router.post("/grants/revoke")
async def take(old: Granting, hub: TheHub, by: Governing) -> Granting:
    """Take rights away as they were given, with the same pack and environment, where the caller governs."""
    return await _change(hub, by, old, grants.revoke)


@router.post("/delegations", response_model=DelegationShown, status_code=201)
async def delegate(new: Delegating, hub: TheHub, by: Known) -> dict[str, Any]:
    """For a time, let somebody give my approvals. Who governs all packs does it for others."""
    _own(hub, by, new.giver)
    made = await act(hub, lambda connection: delegation.delegate(connection, by=by.name, **dict(new)))
    return await _delegation(hub, made)


@router.post("/delegations/{delegation_id}/end", response_model=DelegationShown)
async def end(delegation_id: str, hub: TheHub, by: Known) -> dict[str, Any]:
    """End a delegation of mine now. Who governs all packs ends others'."""
    _own(hub, by, (await _delegation(hub, delegation_id))["giver"])
    await act(hub, lambda connection: delegation.end(connection, delegation_id, by=by.name))
    return await _delegation(hub, delegation_id)


async def _change(hub: Hub, by: Person, what: Granting, do: Callable[..., None]) -> Granting:
    if not by.may(Right.GOVERN, pack=what.pack, environment=what.environment):
        raise HTTPException(403, f"{by.name} may not govern {grants.where(what.pack, what.environment)}")

    def change(connection: sa.Connection) -> None:
        holder = grants.holder_of(connection, what.holder)
        do(connection, holder, what.rights, pack=what.pack, environment=what.environment, by=by.name)

    await act(hub, change)
    return what


async def _delegation(hub: Hub, delegation_id: str) -> dict[str, Any]:
    found = await hub.database.read(lambda connection: delegation.find(connection, delegation_id))
    if found is None:
        raise HTTPException(404, f"there is no delegation {delegation_id}")
    return found


def _own(hub: Hub, person: Person, giver: str) -> None:
    mine = giver == person.name and person.may(Right.APPROVE)
    if not mine and not everywhere(hub, person, Right.GOVERN):
        raise HTTPException(403, f"{person.name} may not say who gives {giver}'s approvals")
