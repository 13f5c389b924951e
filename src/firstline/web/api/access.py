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


def needs(right: Right, *, everywhere: bool = False) -> Callable[[Request], Awaitable[Person]]:
    """A dependency that lets in who has the right: 401 without a valid token, 403 without the right. `everywhere`: for
    all packs of this hub; else for any at all, and what is shown or done is bounded by `firstline.web.api.scope`."""

    async def allowed(request: Request) -> Person:
        person = await person_of(request)
        if person is None:
            raise HTTPException(401, "send a token: Authorization: Bearer fl_...", {"WWW-Authenticate": "Bearer"})
        here = {"pack": EVERY, "environment": hub_of(request).settings.hub.environment} if everywhere else {}
        if not person.may(right, **here):
            where = " for all packs" if everywhere else ""
            raise HTTPException(403, f"{person.name} may not {right.value}{where}; `firstline people show` says why")
        # A browser adds cookies and Basic by itself, also to what another site makes it send: the token it never adds.
        if request.method not in ("GET", "HEAD") and not _bearer(request):
            raise HTTPException(403, "a browser's cookie only reads; to act, send the token in Authorization")
        return person

    return allowed


# For the description of the API; the token is read above, from a cookie as well.
described = HTTPBearer(auto_error=False, description="A token of `firstline init` or `firstline people token`.")

TheHub = Annotated[Hub, Depends(hub_of)]
Seeing = Annotated[Person, Depends(needs(Right.SEE))]
Approving = Annotated[Person, Depends(needs(Right.APPROVE))]
Governing = Annotated[Person, Depends(needs(Right.GOVERN))]
SeeingAll = Annotated[Person, Depends(needs(Right.SEE, everywhere=True))]
GoverningAll = Annotated[Person, Depends(needs(Right.GOVERN, everywhere=True))]
