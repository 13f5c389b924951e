"""Who calls: the bearer token, or the portal's cookie with the same token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBearer

from firstline.access import Person, Right, authenticate
from firstline.hub import Hub

COOKIE = "firstline"


def hub_of(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


async def person_of(request: Request) -> Person | None:
    """The person a request comes from, or None."""
    token = _bearer(request) or request.cookies.get(COOKIE, "")
    if not token:
        return None
    return await hub_of(request).database.read(lambda connection: authenticate(connection, token))


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def needs(right: Right) -> Callable[[Request], Awaitable[Person]]:
    """A dependency that lets in who has the right: 401 without a valid token, 403 without the right."""

    async def allowed(request: Request) -> Person:
        person = await person_of(request)
        if person is None:
            raise HTTPException(401, "send a token: Authorization: Bearer fl_...", {"WWW-Authenticate": "Bearer"})
        if not person.may(right):
            raise HTTPException(403, f"{person.name} may not {right.value}; `firstline token` gives the right")
        # A browser adds cookies and Basic by itself, also to what another site makes it send: the token it never adds.
        if request.method not in ("GET", "HEAD") and not _bearer(request):
            raise HTTPException(403, "a browser's cookie only reads; to act, send the token in Authorization")
        return person

    return allowed


# For the description of the API; the token is read above, from a cookie as well.
described = HTTPBearer(auto_error=False, description="A token of `firstline init` or `firstline token`.")

TheHub = Annotated[Hub, Depends(hub_of)]
Seeing = Annotated[Person, Depends(needs(Right.SEE))]
Approving = Annotated[Person, Depends(needs(Right.APPROVE))]
Governing = Annotated[Person, Depends(needs(Right.GOVERN))]
