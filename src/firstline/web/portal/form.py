"""Forms that act. A browser adds its cookie to whatever another site makes it send, so a form must come from a page of
ours, twice over: by its `Origin`, and by a seal of the session that only our pages know."""

from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request

from firstline.access import Person
from firstline.web.api.access import COOKIE, hub_of, person_of

LIMIT = 32_768  # bytes of a form
SEAL = "seal"
_PURPOSE = "form"


def seal_of(request: Request) -> str:
    """What a form on a page for this session carries in its field `seal`."""
    return hub_of(request).context.notifier.seal.of(_PURPOSE, request.cookies.get(COOKIE, ""))


async def acting(request: Request) -> tuple[Person, dict[str, str]]:
    """Who sent a form, and its fields. 401 for nobody, 403 for a form that is not of our own pages."""
    person = await person_of(request)
    if person is None:
        raise HTTPException(401, "sign in first")
    sent, session = await fields(request), request.cookies.get(COOKIE, "")
    if not is_ours(request) or not session:
        raise HTTPException(403, "this form did not come from a page of this hub")
    if not hub_of(request).context.notifier.seal.holds(sent.get(SEAL, ""), _PURPOSE, session):
        raise HTTPException(403, "this form is of another session; load the page again")
    return person, sent


async def fields(request: Request) -> dict[str, str]:
    sent = parse_qs((await request.body()).decode("utf-8", "replace"))
    return {name: values[0].strip() for name, values in sent.items()}


def is_ours(request: Request) -> bool:
    """By the address people are told, or the one the browser asked: a proxy may stand between."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    return bool(origin) and origin in (urlsplit(hub_of(request).settings.url).netloc, request.headers.get("host", ""))


def is_foreign(request: Request) -> bool:
    """A browser says that a page of another site sent it."""
    return "origin" in request.headers and not is_ours(request)
