"""The roll, the groups and the tokens: for those who govern all packs. Nobody gives anything to themselves here."""

from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter

from firstline.access import group, profile, roll, token
from firstline.web.api.access import Governing, GoverningAll, TheHub
from firstline.web.api.people.act import act, changed, there
from firstline.web.api.people.model import (
    NewPerson,
    NewToken,
    Particulars,
    PersonSummary,
    PersonWhole,
    Reason,
    TokenMade,
)

router = APIRouter()


@router.get("/people", response_model=list[PersonSummary])
async def people(hub: TheHub, _: Governing) -> list[dict[str, Any]]:
    """Everybody, those who are off too."""
    return await hub.database.read(profile.people)


@router.post("/people", response_model=PersonWhole, status_code=201)
async def add(new: NewPerson, hub: TheHub, by: GoverningAll) -> dict[str, Any]:
    """Put a person on the roll; they may nothing yet. 409 when the name, email or an account is somebody's already."""

    def do(connection: sa.Connection) -> None:
        known = {"email": new.email or "", "contact": new.contact or ""}
        roll.add(connection, new.name, by=by.name, accounts=new.accounts, **known)

    await act(hub, do)
    return await hub.database.read(lambda connection: profile.profile(connection, new.name))


@router.get("/people/{name}", response_model=PersonWhole)
async def person(name: str, hub: TheHub, _: Governing) -> dict[str, Any]:
    """One person: what they may and by which grant, their tokens and delegations."""
    await there(hub, name)
    return await hub.database.read(lambda connection: profile.profile(connection, name))


@router.patch("/people/{name}", response_model=PersonWhole)
async def change(name: str, new: Particulars, hub: TheHub, by: GoverningAll) -> dict[str, Any]:
    """Set what is given; 409 when it is somebody else's already."""
    return await changed(hub, name, lambda connection: roll.change(connection, name, by=by.name, **dict(new)))


@router.post("/people/{name}/off", response_model=PersonWhole)
async def off(name: str, hub: TheHub, by: GoverningAll, why: Reason | None = None) -> dict[str, Any]:
    """They may nothing any more, at once."""
    reason = why.reason if why else ""
    return await changed(hub, name, lambda connection: roll.turn_off(connection, name, by=by.name, reason=reason))


@router.post("/people/{name}/on", response_model=PersonWhole)
async def on(name: str, hub: TheHub, by: GoverningAll, why: Reason | None = None) -> dict[str, Any]:
    """They may again what is granted to them and to their groups."""
    reason = why.reason if why else ""
    return await changed(hub, name, lambda connection: roll.turn_on(connection, name, by=by.name, reason=reason))


@router.put("/groups/{group_name}/members/{name}", response_model=PersonWhole)
async def join(group_name: str, name: str, hub: TheHub, by: GoverningAll) -> dict[str, Any]:
    """Put a person into a group, which begins with its first member."""
    return await changed(hub, name, lambda connection: group.join(connection, group_name, name, by=by.name))


@router.delete("/groups/{group_name}/members/{name}", response_model=PersonWhole)
async def leave(group_name: str, name: str, hub: TheHub, by: GoverningAll) -> dict[str, Any]:
    """Take a person out of a group."""
    return await changed(hub, name, lambda connection: group.leave(connection, group_name, name, by=by.name))


@router.post("/people/{name}/tokens", status_code=201)
async def give_token(name: str, new: NewToken, hub: TheHub, by: GoverningAll) -> TokenMade:
    """A token of somebody else; it is shown this once."""
    await there(hub, name)
    made = await act(hub, lambda connection: token.give_token(connection, name, by=by.name, **dict(new)))
    return TokenMade(token=made)


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(token_id: str, hub: TheHub, by: GoverningAll) -> dict[str, str]:
    """Take a token back: it opens nothing any more, at once. 409 when there is no such token that does."""
    await act(hub, lambda connection: token.revoke_token(connection, token_id, by=by.name))
    return {"id": token_id, "state": "revoked"}
