"""The way in, and out."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from firstline.access import sign_in as sign_ins
from firstline.web.api.access import COOKIE, TheHub, came, person_with
from firstline.web.portal.form import fields, is_foreign
from firstline.web.portal.page import rendered

router = APIRouter(include_in_schema=False, max_body_size=4_096)

HOME = "/remediations"
_PAGES = re.compile(r"/(remediations|approvals|guards|changes)(/[A-Za-z0-9_-]+)?")


@router.get("/")
async def home() -> Response:
    return RedirectResponse(HOME, 303)


@router.get("/sign-in")
async def sign_in_page(to: str = HOME) -> Response:
    """`to`: the page that was asked for. A link on a ticket comes without the cookie (it is `SameSite=Strict`), so who
    is signed in goes on from here."""
    return rendered("sign_in.html", to=_page(to))


@router.post("/sign-in")
async def sign_in(request: Request, hub: TheHub) -> Response:
    sent = await fields(request)
    token, to = sent.get("token", ""), _page(sent.get("to", HOME))
    if is_foreign(request):  # else another site could sign its reader in as somebody else
        return rendered("sign_in.html", 403, to=to, said="This form did not come from a page of this hub.")
    person = await person_with(request, token) if token else None
    if person is None:
        return rendered("sign_in.html", 401, to=to, said="That token is nobody's, has expired or was taken back.")
    await hub.database.write(lambda connection: sign_ins.signed_in(connection, person.name, came(request)))
    answer = RedirectResponse(to, 303)
    secure = hub.settings.url.startswith("https:")
    answer.set_cookie(COOKIE, token, max_age=12 * 3600, httponly=True, secure=secure, samesite="strict")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Forget the token here. It opens the hub elsewhere still: `firstline people revoke-token` takes it back."""
    answer = RedirectResponse("/sign-in", 303)
    if not is_foreign(request):
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _page(to: str) -> str:
    """A page of ours, whatever was asked: nobody is sent elsewhere."""
    return to if _PAGES.fullmatch(to) else HOME
