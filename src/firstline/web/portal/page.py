"""How a page is made: templates, the headers that keep it to itself, and who may look."""

from collections.abc import Awaitable, Callable
from typing import Any

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from firstline.access import Person, Right
from firstline.remediation.text import headline
from firstline.web.api.access import person_of

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("firstline.web.portal"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_templates.filters["said"] = lambda row: headline(row["outcome"], changed=bool(row["change"])) or row["stage"]

# No script at all, and nothing from elsewhere: what a ticket says can't become one. No address leaves the hub; to the
# hub itself a form says where it is from, which is looked at.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def rendered(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(**values), status, _HEADERS)


async def for_people(request: Request, answer: Callable[[Person], Awaitable[Response]], *rights: Right) -> Response:
    """The page, for who has one of the rights (default: to see) anywhere; others are asked to sign in."""
    person = await person_of(request)
    if person is None or not any(person.may(right) for right in rights or (Right.SEE,)):
        return RedirectResponse("/sign-in", 303)
    return await answer(person)
