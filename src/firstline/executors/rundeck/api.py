"""Rundeck's API: requests, its errors, its executions.

From https://docs.rundeck.com/docs/api/ and, where that is silent, from Rundeck's own code (4.0 to 6.1: ApiService,
ScheduledExecutionController.apiJobRun, AuthorizationInterceptor, ExecutionService).
"""

from typing import Any, NamedTuple

import yaml
from pydantic import Field, model_validator

from firstline.errors import FirstlineError, Rejected, Unavailable
from firstline.executors.polled.foreign import Foreign
from firstline.executors.polled.wire import ANSWER, Answer, Line, make
from firstline.executors.rundeck.settings import RundeckSettings
from firstline.http import error_for, retry_after
from firstline.masking import Masker

JSON = "application/json"
WHOSE = "Rundeck's answer"


class Gone(Rejected):
    """Rundeck itself says that there is no such thing."""


class Refusal(NamedTuple):
    """An answer that is no success. `code` is empty when the words are not Rundeck's but a proxy's."""

    status: int
    code: str
    message: str


class When(Foreign):
    unixtime: float = Field(description="Milliseconds.")


class Job(Foreign):
    options: dict[str, Any] | None = None


class Retry(Foreign):
    id: int


class Execution(Foreign):
    """An execution, as far as we read it."""

    id: int
    status: str
    custom_status: str = Field(default="", alias="customStatus")
    user: str | None = None
    started: When | None = Field(default=None, alias="date-started")
    ended: When | None = Field(default=None, alias="date-ended")
    job: Job | None = None
    argstring: str | None = None
    succeeded_nodes: list[str] = Field(default=[], alias="successfulNodes")
    failed_nodes: list[str] = Field(default=[], alias="failedNodes")
    aborted_by: str | None = Field(default=None, alias="abortedby")
    retried: Retry | None = Field(default=None, alias="retriedExecution")
    retry_attempt: int = Field(default=0, alias="retryAttempt")
    permalink: str = ""

    @property
    def nodes(self) -> list[str]:
        """Where it ran."""
        return [*self.succeeded_nodes, *self.failed_nodes]

    def has_option(self, name: str, value: str) -> bool:
        options = (self.job and self.job.options) or {}
        return options.get(name) == value or f"-{name} {value} " in f"{self.argstring or ''} "


class Entry(Foreign):
    """A line of a log."""

    log: str = ""
    level: str = ""
    node: str = ""


class Output(Foreign):
    """A piece of a log. `offset` is in its own bytes, as text; `pending` says what it waits for (an object store)."""

    entries: tuple[Entry, ...] = ()
    offset: int = 0
    completed: bool = False
    error: str = ""
    message: str = ""
    pending: str = ""


class Server(Foreign):
    version: str = ""
    apiversion: str | int = ""


class Mode(Foreign):
    execution_mode: str = Field(default="active", alias="executionMode")


class System(Foreign):
    rundeck: Server = Server()
    executions: Mode = Mode()


class SystemInfo(Foreign):
    system: System


class Abort(Foreign):
    status: str
    reason: str = ""


class Aborted(Foreign):
    abort: Abort


class Executions(Foreign):
    """The published description has a list of a job's executions bare; the server puts it beside its paging."""

    executions: list[Execution]

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        return {"executions": given} if isinstance(given, list) else given


class Api:
    def __init__(self, settings: RundeckSettings) -> None:
        token = settings.token.get_secret_value()
        base = f"{settings.url.rstrip('/')}/api/{settings.api_version}"
        self.mask = Masker([token])
        self._line = Line(lambda: make(base, {"X-Rundeck-Auth-Token": token}, settings.ca))

    async def aclose(self) -> None:
        await self._line.aclose()

    async def send(self, method: str, path: str, *, limit: int = ANSWER, **options: Any) -> Answer:
        """Raises `NotSent`, `Lost`."""
        return await self._line.ask(method, path, limit=limit, **options)

    async def get(self, path: str, *, limit: int = ANSWER, **query: Any) -> tuple[Any, Answer]:
        """What is there, and the whole answer. Raises `Gone`, `Rejected`, `Unavailable`."""
        answer = await self.send("GET", path, limit=limit, params=query)
        return self.understood(answer, path), answer

    def understood(self, answer: Answer, path: str) -> Any:
        """What an answer holds. Raises as `get`."""
        if refusal := refusal_of(answer):
            raise self.error(refusal, f"GET {path}", answer)
        try:
            return answer.json()
        except ValueError as error:
            raise Unavailable(f"GET {path}: no JSON of Rundeck's: {error}") from None

    async def definition(self, job: str) -> Any:
        """A job's definition; in YAML, because older versions of the API have no JSON for it."""
        answer = await self.send("GET", f"/job/{job}", params={"format": "yaml"}, headers={"Accept": "text/yaml"})
        if refusal := refusal_of(answer):
            raise self.error(refusal, f"GET /job/{job}", answer)
        try:
            found = yaml.safe_load(answer.text)
        except yaml.YAMLError:
            found = None
        if not isinstance(found, list | dict):
            raise Unavailable(f"GET /job/{job}: what was answered is no definition of a job")
        return found

    def error(self, refusal: Refusal, what: str, answer: Answer) -> FirstlineError:
        """The error for a request that had no effect."""
        words = self.mask(f"{refusal.code} {refusal.message}".strip())
        if refusal.code == "api.error.item.doesnotexist":
            return Gone(f"Rundeck: {refusal.message}")
        if refusal.status == 404 and not refusal.code:  # not Rundeck's: a proxy that does not know it
            return Unavailable(f"{what} answered 404, not by Rundeck: {words[:200]}")
        if refusal.status in (401, 403):
            return Rejected(f"{what}: not permitted: {words}; {mend(refusal)}")
        if refusal.code == "api.error.api-version.unsupported":
            return Rejected(f"{what}: {words}; set api_version to one that this Rundeck has")
        if refusal.code == "api.error.execution.conflict":
            return Unavailable(f"Rundeck: {words}", retry_after=retry_after(answer.headers))
        if refusal.code.startswith(("api.error.execution.", "api.error.job.")):  # its own no, also with status 500
            return Rejected(f"Rundeck: {words}")
        error = error_for(refusal.status, words, answer.headers, what)
        return error if isinstance(error, Unavailable) else Rejected(str(error))


def refusal_of(answer: Answer) -> Refusal | None:
    """Rundeck's own `{error: true, errorCode, message}`, whatever its status, or what else is no success. (Of a log
    that is not there it says so in words, as `error`, and that is no refusal.)"""
    try:
        body = answer.json()
    except ValueError:
        body = None
    told = isinstance(body, dict) and body.get("error")
    if answer.ok and told is not True:
        return None
    if isinstance(body, dict) and told:
        message = body.get("message") or told
        return Refusal(answer.status, str(body.get("errorCode") or "api.error.unknown"), str(message))
    return Refusal(answer.status, "", " ".join(answer.text.split())[:300])


def mend(refusal: Refusal) -> str:
    if refusal.code in ("unauthorized", ""):
        return "the token is not accepted: it has expired, or is another's; make a new one"
    return "the token's user lacks this right in Rundeck's access control"
