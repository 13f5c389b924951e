"""How a page is made: templates, the headers that keep it to itself, and who may look."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from markupsafe import Markup

from firstline.access import Person, Right
from firstline.remediation.note.text import headline, progress
from firstline.visible import plain
from firstline.web.api.access import person_of

_loader = jinja2.PackageLoader("firstline.web.portal")


def _seen(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_templates = jinja2.Environment(loader=_loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_seen)
_STYLE = _loader.get_source(_templates, "style.css")[0].strip()
_templates.globals["style"] = Markup(_STYLE)  # noqa: S704 - ours, and in it nothing of anybody else's

_OWN_STYLE = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def _headers(framed_by: str) -> dict[str, str]:
    """No script at all, no style but ours, and nothing from elsewhere: what a ticket or a command says can become none
    of them. No address leaves the hub; to the hub itself a form says where it is from, which is looked at."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_OWN_STYLE}'; frame-src 'self'; form-action 'self'; "
            f"base-uri 'none'; frame-ancestors {framed_by}"
        ),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }


_HEADERS = _headers("'none'")
_FRAME = {**_headers("'self'"), "X-Accel-Buffering": "no"}  # a proxy passes each part on as it comes


def _said(row: Mapping[str, Any]) -> str:
    """How a remediation goes, or went. `begun`: a step of it ran."""
    if not row["outcome"]:
        return progress(row["stage"], held=bool(row["holds"]))
    return headline(row["outcome"], changed=row["changes"], begun=row["begun"])


_templates.filters["said"] = _said
_templates.filters["colour"] = lambda row: row["outcome"] or ("held" if row["holds"] else row["stage"])


def rendered(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """`reader`: who is signed in."""
    return HTMLResponse(_templates.get_template(template).render(**values), status, _HEADERS)


def flowing(parts: AsyncIterator[str]) -> StreamingResponse:
    """A page of ours within a page of ours, which grows while it is looked at."""
    return StreamingResponse(parts, media_type="text/html", headers=_FRAME)


def macros(template: str) -> Any:
    """The parts of a page that are rendered one by one."""
    return _templates.get_template(template).module


async def for_people(request: Request, answer: Callable[[Person], Awaitable[Response]], *rights: Right) -> Response:
    """The page, for who has one of the rights (default: to see) anywhere; who is nobody is asked to sign in."""
    person = await person_of(request)
    if person is None:
        return RedirectResponse(f"/sign-in?to={quote(request.url.path)}", 303)
    if not any(person.may(right) for right in rights or (Right.SEE,)):
        return rendered("nothing.html", 403, reader=person)
    return await answer(person)
