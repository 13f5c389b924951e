"""AWX's API: requests, its errors, its lists.

From AWX's own code (24.6: awx/api/views, awx/api/serializers.py, awx/api/pagination.py, awx/api/generics.py) and
https://docs.ansible.com/automation-controller/latest/html/controllerapi.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.executors.awx.document import Named, Rows
from firstline.executors.awx.settings import AwxSettings
from firstline.executors.polled.foreign import read
from firstline.executors.polled.wire import Answer, Line, make
from firstline.http import error_for
from firstline.masking import Masker

PAGE = 200  # MAX_PAGE_SIZE
ANSWER = 32 * 1_048_576  # bytes: a page of events holds what modules returned

Body = dict[str, Any]
T = TypeVar("T", bound=BaseModel)


class Gone(Rejected):
    """404: there is no such thing, or not for us."""


class Api:
    def __init__(self, settings: AwxSettings) -> None:
        secret = settings.token or settings.password
        assert secret is not None  # noqa: S101 - the model sees to it
        self.mask = Masker([secret.get_secret_value()])
        headers = {"Authorization": f"Bearer {secret.get_secret_value()}"} if settings.token else {}
        auth = (settings.username, secret.get_secret_value()) if not settings.token else None
        base = settings.url.rstrip("/") + settings.path.rstrip("/")
        self._line = Line(lambda: make(base, headers, settings.ca, auth))

    async def aclose(self) -> None:
        await self._line.aclose()

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        """Raises `NotSent`, `Lost`."""
        return await self._line.ask(method, f"/{path}/", limit=ANSWER, **options)

    async def get(self, model: type[T], path: str, **query: Any) -> T:
        return (await self.told(model, path, **query))[0]

    async def told(self, model: type[T], path: str, **query: Any) -> tuple[T, Answer]:
        """What is there, and the whole answer. Raises `Gone`, `Rejected`, `Unauthorized`, `Unavailable`."""
        answer = await self.send("GET", path, params=query)
        if not answer.ok:
            raise self.error(answer, f"GET {path}")
        return read(model, content(answer, path), f"AWX's answer to GET {path}"), answer

    async def rows(self, model: type[T], path: str, **query: Any) -> tuple[list[T], bool]:
        """A page of a list, and whether there is another after it."""
        page = await self.get(Rows, path, **query)
        return [read(model, row, f"AWX's answer to GET {path}") for row in page.results], bool(page.next)

    async def all(self, model: type[T], path: str, **query: Any) -> list[T]:
        """A list, page by page."""
        found: list[T] = []
        number, more = 1, True
        while more:
            rows, more = await self.rows(model, path, page=number, page_size=PAGE, **query)
            found += rows
            number += 1
        return found

    async def named(self, kind: str, name: int | str, **query: str) -> Named:
        """The one of this number or name. Raises `Rejected` when there is none, or more than one."""
        if isinstance(name, int):
            return await self.get(Named, f"{kind}/{name}")
        found, _ = await self.rows(Named, kind, name=name, page_size=2, **query)
        if len(found) != 1:
            words = "there is none" if not found else "there are several; name the organization, or take its number"
            raise Rejected(f"AWX: {kind.replace('_', ' ')} {name!r}: {words} (that this account may see)")
        return found[0]

    def error(self, answer: Answer, what: str, mask: Callable[[str], str] = str) -> FirstlineError:
        """The error for a request that had no effect. `mask` takes out what else is not to be told: AWX's words on a
        survey's answer that does not fit repeat the answer (_survey_element_validation)."""
        error = error_for(answer.status, mask(self.mask(answer.text)), answer.headers, f"AWX: {what}")
        return Gone(str(error)) if answer.status == 404 else error


def content(answer: Answer, what: str) -> Body:
    """Raises `Unavailable` for what is no object."""
    try:
        body = answer.json()
    except ValueError as error:
        raise Unavailable(f"AWX: {what}: no JSON of AWX's: {error}") from None
    if not isinstance(body, dict):
        raise Unavailable(f"AWX: {what}: no answer of AWX's")
    return body
