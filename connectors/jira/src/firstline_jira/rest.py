"""Reads from Jira's platform API through the `jira` library, which blocks: each call runs in a thread.

The library posted a comment four times on a reset connection, and looks for a newer version of itself: so its retries,
its look at the server and its check for updates are off, and only reads go through it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import jira
import requests
from requests.adapters import HTTPAdapter

from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.http import CONNECT_TIMEOUT, TIMEOUT, USER_AGENT, error_for
from firstline.meter import Meter
from firstline_jira.access import Access, RequestsAuth
from firstline_jira.edition import Edition
from firstline_jira.quota import quota
from firstline_jira.settings import JiraSettings

THREADS = 8
PAGE = 100  # comments in one answer, the most Jira gives

T = TypeVar("T")
Tree = dict[str, Any]


class Rest:
    """One client for one connection; its session is shared by the threads."""

    def __init__(self, settings: JiraSettings, edition: Edition, access: Access, meter: Meter) -> None:
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._access = access
        self._jira = jira.JIRA(
            options={
                "server": settings.api_url,
                "rest_api_version": edition.version,
                "check_update": False,
                "headers": {"User-Agent": USER_AGENT, "Accept": "application/json"},
            },
            get_server_info=False,
            max_retries=0,
            timeout=(CONNECT_TIMEOUT, TIMEOUT),
        )
        session = self._jira._session
        session.auth = RequestsAuth(access)
        session.trust_env = False  # no proxy, no .netrc
        session.max_redirects = 0  # a redirect would carry the password elsewhere
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Counting(meter))

    async def myself(self) -> Tree:
        return await self._run("GET myself", self._jira.myself)

    async def issue(self, id: str, *, fields: str = "*all", properties: str = "") -> Tree:  # noqa: A002 - Jira's word
        def read() -> Tree:
            raw: Tree = self._jira.issue(id, fields=fields, properties=properties or None).raw
            return raw

        issue = await self._run(f"GET issue/{id}", read)
        if "id" not in issue or not isinstance(issue.get("fields"), dict):
            raise Unavailable(f"GET issue/{id} answered something that is no issue")
        return issue

    async def comments(self, id: str, start: int) -> tuple[list[Tree], bool]:  # noqa: A002
        """One page, the newest first, each with its properties; and whether it is the last one. The library's own call
        leaves out how many there are, and Jira may give fewer than it was asked for."""
        params = {"expand": "properties", "startAt": str(start), "maxResults": str(PAGE), "orderBy": "-created"}

        def read() -> tuple[list[Tree], bool]:
            page = self._jira._get_json(f"issue/{id}/comment", params=params)
            rows: list[Tree] = [dict(row) for row in page["comments"]]
            wanted = min(PAGE, int(page.get("maxResults") or PAGE))
            total = page.get("total")
            end = start + len(rows)
            return rows, not rows or (len(rows) < wanted if total is None else end >= int(total))

        return await self._run(f"GET issue/{id}/comment", read)

    async def transitions(self, id: str) -> list[Tree]:  # noqa: A002
        def read() -> list[Tree]:
            found: list[Tree] = self._jira.transitions(id, expand="transitions.fields")
            return found

        return await self._run(f"GET issue/{id}/transitions", read)

    async def priorities(self) -> list[Tree]:
        return await self._run("GET priority", lambda: [found.raw for found in self._jira.priorities()])

    async def fields(self) -> list[Tree]:
        def read() -> list[Tree]:
            return [dict(found) for found in self._jira.fields()]

        return await self._run("GET field", read)

    async def _run(self, what: str, call: Callable[[], T]) -> T:
        """A 401 to a token that expires is tried once more with a new one."""
        header = await self._access.ready()
        try:
            return await self._call(what, call)
        except Unauthorized:
            if not self._access.renews:
                raise
        await self._access.renew(header)
        return await self._call(what, call)

    async def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(call, limiter=self._limiter)
        except jira.JIRAError as error:
            raise _translated(error, what) from error
        except requests.TooManyRedirects as error:
            raise Rejected(f"{what} was redirected: is base_url the site's own address?") from error
        except requests.JSONDecodeError as error:
            raise Unavailable(f"{what} answered something that is not JSON") from error
        except requests.RequestException as error:
            raise Unavailable(f"{what}: {type(error).__name__}: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
            # the library met JSON of another shape; for nothing at all it raises NotImplementedError
            raise Unavailable(f"{what} answered something that is not Jira's: {error!r}") from error

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._jira.close, limiter=self._limiter)


class _Counting(HTTPAdapter):
    """Counts each request that goes out, and hears what the answer tells of the limit."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def send(self, *args: Any, **options: Any) -> requests.Response:
        self._meter.sent()
        response = super().send(*args, **options)
        if told := quota(response.headers):
            self._meter.told(told)
        return response


def _translated(error: jira.JIRAError, what: str) -> FirstlineError:
    if error.status_code is None:
        return Unavailable(f"{what}: {error.text}")
    response = error.response
    words = error.text or (response.text if response is not None else "")
    return error_for(error.status_code, words, response.headers if response is not None else {}, what)
