"""The stand-in's API: what a request must be, and what it does."""

import re
import shlex
from collections.abc import Awaitable, Callable
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline.testing.fault import Fault, Wire
from firstline.testing.rundeck import document
from firstline.testing.rundeck.document import Refused
from firstline.testing.rundeck.model import Execution, Job, Token
from firstline.testing.rundeck.stage import Stage

TOKEN = "rundeck-token-of-the-tests"  # noqa: S105 - of a stand-in
EARLIEST = 14
KNOWN = frozenset({"argString", "loglevel", "asUser", "filter", "runAtTime", "options"})
Handle = Callable[[Request, Token], Awaitable[Any]]


class Rundeck:
    """`version` is the server's own; `api` the newest version of the API that it has."""

    def __init__(self, jobs: list[Job], *, version: str = "5.0.0", api: int = 46) -> None:
        self.jobs = {job.id: job for job in jobs}
        self.tokens = {TOKEN: Token()}
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []  # of starts
        self.faults: list[Fault] = []
        self.stage = Stage()
        self.active = True  # the execution mode
        self.nodes: frozenset[str] | None = None  # of the projects; None: any name is one's
        self._version, self._api = version, api
        routes = [
            self._route("GET", "/projects", self._projects),
            self._route("GET", "/system/info", self._info),
            self._route("GET", "/job/{job}", self._definition),
            self._route("GET", "/job/{job}/executions", self._executions),
            self._route("POST", "/job/{job}/run", self._run),
            self._route("GET", "/execution/{number}", self._execution),
            self._route("GET", "/execution/{number}/output", self._output),
            self._route("POST", "/execution/{number}/abort", self._abort),
            self._route("GET", "/execution/{number}/abort", self._abort),
        ]
        self.app = Wire(Starlette(routes=routes), self.faults)

    @property
    def executions(self) -> list[Execution]:
        return self.stage.executions

    def asked(self, method: str, path: str) -> int:
        """How many requests there were, by a part of their path."""
        return sum(1 for each in list(self.requests) if each[0] == method and path in each[1])

    def _route(self, method: str, path: str, handle: Handle) -> Route:
        async def answer(request: Request) -> Response:
            self.requests.append((method, request.url.path))
            try:
                token = self._token(request)
                found = await handle(request, token)
            except Refused as refused:
                return refused.answer(self._api)
            return found if isinstance(found, Response) else JSONResponse(found)

        return Route(f"/api/{{version}}{path}", answer, methods=[method])

    def _token(self, request: Request) -> Token:
        version = request.path_params["version"]
        if not version.isdecimal() or not EARLIEST <= int(version) <= self._api:
            limit = f"Current version: {self._api}"
            raise Refused(400, "api.error.api-version.unsupported", version, request.url.path, limit)
        given = request.headers.get("x-rundeck-auth-token") or request.query_params.get("authtoken", "")
        token = self.tokens.get(given)
        if token is None:
            who = f"(Token:{given[:5]}****)" if given else "(unauthenticated)"
            raise Refused(403, "unauthorized", who, request.url.path)
        return token

    async def _projects(self, request: Request, _: Token) -> Any:
        names = sorted({job.project for job in self.jobs.values()})
        return [{"url": f"{request.base_url}api/project/{name}", "name": name, "description": ""} for name in names]

    async def _info(self, _: Request, token: Token) -> Any:
        if not token.system:
            raise Refused(403, "api.error.item.unauthorized", "read", "Rundeck", "System")
        executions = {"active": self.active, "executionMode": "active" if self.active else "passive"}
        rundeck = {"version": self._version, "apiversion": self._api, "node": "stand-in"}
        return {"system": {"rundeck": rundeck, "executions": executions}}

    async def _definition(self, request: Request, token: Token) -> Any:
        job = self._job(request, token, "read", "Read")
        form = request.query_params.get("format") or request.headers.get("accept", "").partition("/")[2]
        if form not in ("yaml", "xml") and not (form == "json" and int(request.path_params["version"]) > 43):
            raise Refused(415, "api.error.item.unsupported-format", form)
        return Response(yaml.safe_dump(document.definition(job)), media_type="text/yaml")

    async def _executions(self, request: Request, token: Token) -> Any:
        """Ordered by their end, the latest first, and those that run after them: so H2 and MySQL do."""
        job = self._job(request, token, "read", "Read")
        query = request.query_params
        found = [each for each in self.executions if each.job.id == job.id]
        if query.get("status"):
            found = [each for each in found if each.status == query["status"]]
        found.sort(key=lambda each: (each.ended or 0.0, each.id), reverse=True)
        offset, most = int(query.get("offset", 0)), int(query.get("max", 0))
        page = found[offset : offset + most] if most else found[offset:]
        paging = {"count": len(page), "total": len(found), "offset": offset, "max": most or 20}
        return {"paging": paging, "executions": [document.execution(each, str(request.base_url)[:-1]) for each in page]}

    async def _run(self, request: Request, token: Token) -> Any:
        job = self._job(request, token, "run", "Run")
        body = await _body(request)
        self.bodies.append(body)
        user = body.get("asUser") or token.user
        if user != token.user and "runAs" not in token.rights:
            raise Refused(403, "api.error.item.unauthorized", "Run as User", "Job ID", job.id)
        self._see_that_it_can_run(job)
        options = _options(job, body.get("options") or {})
        nodes = tuple(node for node in _nodes(job, body) if self.nodes is None or node in self.nodes)
        return document.execution(self.stage.begin(job, user, options, nodes), str(request.base_url)[:-1])

    def _see_that_it_can_run(self, job: Job) -> None:
        """Before 5 all that is no conflict is a 500 (ScheduledExecutionController.apiJobRun)."""
        words = "Executions are disabled." if not self.active else "Job execution is disabled"
        if not self.active or not job.enabled:
            if self._api < 46:
                raise Refused(500, "api.error.execution.failed", words)
            raise Refused(400, "api.error.job.disabled", words)
        if not job.multiple and any(each.job is job and each.ended is None for each in self.executions):
            name = f'Job "{job.name}" {{{{Job {job.id}}}}}: Limit of running executions has been reached.'
            raise Refused(409, "api.error.execution.conflict", name)

    async def _execution(self, request: Request, token: Token) -> Any:
        return document.execution(self._one(request, token, "read"), str(request.base_url)[:-1])

    async def _output(self, request: Request, token: Token) -> Any:
        one = self._one(request, token, "read")
        offset = request.query_params.get("offset", "0")
        if not offset.isdecimal():
            raise Refused(400, "api.error.parameter.invalid", offset, "offset", "Not an integer offset")
        return document.output(one, int(offset), int(request.query_params.get("maxlines", 0)))

    async def _abort(self, request: Request, token: Token) -> Any:
        one = self._one(request, token, "kill")
        shown = {"id": str(one.id), "href": f"{request.base_url}api/execution/{one.id}"}
        if one.ended is not None:
            reason = {"status": "failed", "reason": "Job is not running"}
            return {"abort": reason, "execution": shown | {"status": one.status}}
        one.aborted_by = token.user
        self.stage.abort(one)
        return {"abort": {"status": "pending"}, "execution": shown | {"status": "running"}}

    def _job(self, request: Request, token: Token, right: str, action: str) -> Job:
        number = request.path_params["job"]
        if number not in self.jobs:
            raise Refused(404, "api.error.item.doesnotexist", "Job ID", number)
        if right not in token.rights:
            raise Refused(403, "api.error.item.unauthorized", action, "Job ID", number)
        return self.jobs[number]

    def _one(self, request: Request, token: Token, right: str) -> Execution:
        number = request.path_params["number"]
        for each in self.executions:
            if str(each.id) == number:
                if right not in token.rights:
                    raise Refused(403, "api.error.item.unauthorized", right, "Execution", number)
                return each
        raise Refused(404, "api.error.item.doesnotexist", "Execution ID", number)


async def _body(request: Request) -> dict[str, Any]:
    """Without one, all stands in the address."""
    if not await request.body():
        return _of_address(dict(request.query_params))
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refused(
            415, "api.error.invalid.request", "Format not allowed: " + request.headers.get("content-type", "")
        )
    try:
        body = await request.json()
    except ValueError as error:
        raise Refused(400, "api.error.invalid.request", f"Failed to parse JSON request body: {error}") from None
    unknown = set(body) - KNOWN
    if unknown:
        raise ValueError(f"the documents know no {unknown}")
    return dict(body)


def _of_address(query: dict[str, str]) -> dict[str, Any]:
    options = {name.removeprefix("option."): value for name, value in query.items() if name.startswith("option.")}
    words = shlex.split(query.get("argString", ""))
    given = dict(zip((word.removeprefix("-") for word in words[::2]), words[1::2], strict=False))
    return {name: value for name, value in query.items() if name in KNOWN} | {"options": options or given}


def _options(job: Job, given: dict[str, Any]) -> dict[str, str]:
    """Those that the job does not declare stay (ExecutionService.generateJobArgline)."""
    options = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
    for option in job.options:
        value = options.get(option.name, "")
        if option.required and not value:
            raise Refused(400, "api.error.job.options-invalid", f"Option '{option.name}' is required.")
        if option.regex and value and not re.fullmatch(option.regex, value):
            words = f"Option '{option.name}' doesn't match regular expression {option.regex}, value: {value}"
            raise Refused(400, "api.error.job.options-invalid", words)
    return options


def _nodes(job: Job, body: dict[str, Any]) -> tuple[str, ...]:
    """A filter by names alone is understood here."""
    wanted = str(body.get("filter") or "").removeprefix("name:").strip()
    return tuple(name.strip() for name in wanted.split(",")) if wanted else job.nodes
