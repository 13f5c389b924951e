"""Who calls, and may they: the bearer token, or the portal's cookie with the same token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer

from firstline.access import Person, Right, authenticate, sign_in
from firstline.access.right import EVERY
from firstline.hub import Hub

COOKIE = "firstline"


def hub_of(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


async def person_of(request: Request) -> Person | None:
    """The person a request comes from, or None."""
    token = _bearer(request) or request.cookies.get(COOKIE, "")
    return await person_with(request, token) if token else None


async def person_with(request: Request, token: str) -> Person | None:
    """The person whose token it is, or None; then the ledger tells that it was refused."""
    database = hub_of(request).database
    person = await database.read(lambda connection: authenticate(connection, token))
    if person is None and await database.read(lambda connection: sign_in.is_told(connection, token)):
        await database.write(lambda connection: sign_in.refused(connection, token, came(request)))
    return person


def came(request: Request) -> str:
    """Where and from which address, for the ledger."""
    return f"{request.method} {request.url.path[:200]} from {request.client.host if request.client else 'nowhere'}"


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def known(request: Request) -> Person:
    """A dependency that lets in everybody with a valid token."""
    person = await person_of(request)
    if person is None:
        raise HTTPException(401, "send a token: Authorization: Bearer fl_...", {"WWW-Authenticate": "Bearer"})
    # A browser adds cookies and Basic by itself, also to what another site makes it send: the token it never adds.
    if request.method not in ("GET", "HEAD") and not _bearer(request):
        raise HTTPException(403, "a browser's cookie only reads; to act, send the token in Authorization")
    return person


def needs(right: Right, *, all_packs: bool = False) -> Callable[..., Awaitable[Person]]:
    """A dependency that lets in who has the right: 401 without a valid token, 403 without the right. `all_packs`: for
    what belongs to the whole hub; else the right for any pack will do, and `firstline.web.api.scope` bounds what is
    shown and done."""

    async def allowed(request: Request, person: Annotated[Person, Depends(known)]) -> Person:
        if not (everywhere(hub_of(request), person, right) if all_packs else person.may(right)):
            where = " for all packs" if all_packs else ""
            raise HTTPException(403, f"{person.name} may not {right.value}{where}; GET /api/v1/me says what they may")
        return person

    return allowed


def everywhere(hub: Hub, person: Person, right: Right) -> bool:
    """Whether they have the right for all packs of this hub."""
    return person.may(right, pack=EVERY, environment=hub.settings.hub.environment)


# For the description of the API; the token is read above, from a cookie as well.
described = HTTPBearer(auto_error=False, description="A token of `firstline init` or `firstline people token`.")

TheHub = Annotated[Hub, Depends(hub_of)]
Seeing = Annotated[Person, Depends(needs(Right.SEE))]
Running = Annotated[Person, Depends(needs(Right.RUN))]
Governing = Annotated[Person, Depends(needs(Right.GOVERN))]
Known = Annotated[Person, Depends(known)]
SeeingAll = Annotated[Person, Depends(needs(Right.SEE, all_packs=True))]
GoverningAll = Annotated[Person, Depends(needs(Right.GOVERN, all_packs=True))]
