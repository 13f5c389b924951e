"""The API over HTTP, `/api/v2`."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from firstline.testing.awx import discovery
from firstline.testing.awx.launch import Refused, launch_answer, launched
from firstline.testing.awx.world import ASK, Job, Template, WorkflowTemplate, World

Body = dict[str, Any]
PAGES = 200  # MAX_PAGE_SIZE
_CUT = 1024  # characters of an event's text in a list, unless `no_truncate` is asked for
_RESERVED = ("page", "page_size", "order_by", "no_truncate", "role_level", "format")
_PRIVATE = ("extra_vars", "survey_passwords", "job_args", "job_env", "start_args", "artifacts")
_LOOKUPS: dict[str, Callable[[Any, str], bool]] = {
    "gt": lambda has, asked: has > type(has)(asked),
    "gte": lambda has, asked: has >= type(has)(asked),
    "contains": lambda has, asked: asked in has,
    "exact": lambda has, asked: str(has) == asked,
}


def application(world: World) -> Starlette:
    api = Api(world)
    routes = [
        Route("/ping/", api.ping),
        *(Route(f"/{path}/", api.admitted(work)) for path, work in api.lists().items()),
    ]
    for kind in ("job_templates", "workflow_job_templates"):
        routes += [
            Route(f"/{kind}/{{id:int}}/", api.admitted(api.template)),
            Route(f"/{kind}/{{id:int}}/launch/", api.admitted(api.asks)),
            Route(f"/{kind}/{{id:int}}/launch/", api.admitted(api.launch), methods=["POST"]),
            Route(f"/{kind}/{{id:int}}/survey_spec/", api.admitted(api.survey)),
            Route(f"/{kind}/{{id:int}}/workflow_nodes/", api.admitted(api.template_nodes)),
            Route(f"/{kind}/{{id:int}}/{{made}}/", api.admitted(api.made)),
        ]
    for kind in ("jobs", "workflow_jobs"):
        routes += [
            Route(f"/{kind}/{{id:int}}/", api.admitted(api.job)),
            Route(f"/{kind}/{{id:int}}/cancel/", api.admitted(api.cancel), methods=["POST"]),
            Route(f"/{kind}/{{id:int}}/job_events/", api.admitted(api.events)),
            Route(f"/{kind}/{{id:int}}/job_host_summaries/", api.admitted(api.hosts)),
            Route(f"/{kind}/{{id:int}}/workflow_nodes/", api.admitted(api.nodes)),
        ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await world.aclose()

    inner = [Route(f"/api/v2{route.path}", route.endpoint, methods=list(route.methods or ())) for route in routes]
    inner += discovery.routes(list(api.lists()))
    return Starlette(routes=inner, lifespan=lifespan, exception_handlers={Refused: _refused, 404: _missing})


class Api:
    def __init__(self, world: World) -> None:
        self._world = world

    def admitted(self, work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.headers.get("Authorization") != f"Bearer {self._world.token}":
                words = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
                raise Refused(401, {"detail": words})
            return await work(request)

        return answer

    def lists(self) -> dict[str, Callable[[Request], Awaitable[Response]]]:
        def of(rows: Callable[[], list[Body]]) -> Callable[[Request], Awaitable[Response]]:
            async def answer(request: Request) -> Response:
                return _page(request, rows())

            return answer

        world = self._world
        return {
            "me": of(lambda: [{"id": 7, "username": "firstline"}]),
            "job_templates": of(lambda: [_row(each) for each in world.templates]),
            "workflow_job_templates": of(lambda: [_row(each) for each in world.workflows]),
            "jobs": of(lambda: [_shown(job) for job in world.jobs if job.kind == "job"]),
            "workflow_jobs": of(lambda: [_shown(job) for job in world.jobs if job.kind == "workflow_job"]),
            "inventories": of(lambda: [{"id": 1, "name": "lab"}, {"id": 2, "name": "production"}]),
            "credentials": of(
                lambda: [
                    {"id": number, "name": f"key-{number}", "credential_type": 1 + number // 10}
                    for number in (1, 2, 11)
                ]
            ),
        }

    async def ping(self, _: Request) -> Response:
        return JSONResponse({"ha": False, "version": "24.6.1", "active_node": "awx_1", "instances": []})

    async def template(self, request: Request) -> Response:
        return JSONResponse(_row(self._template(request)))

    async def asks(self, request: Request) -> Response:
        return JSONResponse(launch_answer(self._template(request)))

    async def survey(self, request: Request) -> Response:
        template = self._template(request)
        spec = [{"variable": q.variable, "type": q.type, "required": q.required} for q in template.survey]
        return JSONResponse({"name": "", "description": "", "spec": spec})

    async def launch(self, request: Request) -> Response:
        template = self._template(request)
        try:
            body = await request.json()
        except ValueError as error:
            raise Refused(400, {"detail": f"JSON parse error - {error}"}) from error
        job, ignored = launched(self._world, template, body)
        told = {job.kind: job.id, "ignored_fields": ignored, **_shown(job)}
        return JSONResponse(told, 201, headers={"Location": f"/api/v2/{job.kind}s/{job.id}/"})

    async def made(self, request: Request) -> Response:
        """Its jobs."""
        template, listed = self._template(request), request.path_params["made"]
        kind = {"jobs": "job", "workflow_jobs": "workflow_job", "slice_workflow_jobs": "workflow_job"}.get(listed)
        rows = [_shown(job) for job in self._world.jobs if job.template is template and job.kind == kind]
        return _page(request, rows)

    async def job(self, request: Request) -> Response:
        job = self._job(request)
        return JSONResponse(
            _shown(job) | {"event_processing_finished": job.emitted == len(job.events) and not job.active}
        )

    async def cancel(self, request: Request) -> Response:
        job = self._job(request)
        if not job.active:
            raise Refused(405, {"detail": 'Method "POST" not allowed.'})
        self._world.stop(job)
        return Response(status_code=202)

    async def events(self, request: Request) -> Response:
        job = self._job(request)
        cut = None if request.query_params.get("no_truncate") else _CUT
        return _page(request, [{**event, "stdout": event["stdout"][:cut]} for event in job.events])

    async def hosts(self, request: Request) -> Response:
        """Saved with the last event."""
        job = self._job(request)
        hosts = [] if job.active else job.hosts
        return _page(request, [{"id": number, "host_name": host} for number, host in enumerate(hosts, 1)])

    async def template_nodes(self, request: Request) -> Response:
        rows = [{"id": number, **_node(each)} for number, each in enumerate(self._template(request).nodes, 1)]
        return _page(request, rows)

    async def nodes(self, request: Request) -> Response:
        parts = self._job(request).parts
        rows = [
            {"id": part.id * 10, "job": part.id, "summary_fields": {"job": _summary(part)}, "do_not_run": False}
            for part in reversed(parts)
        ]
        return _page(request, [*rows, {"id": 1, "job": None, "summary_fields": {}, "do_not_run": True}])

    def _template(self, request: Request) -> Any:
        kind = request.url.path.split("/")[3]
        for template in self._world.all(Template if kind == "job_templates" else WorkflowTemplate):
            if template.id == request.path_params["id"]:
                return template
        raise Refused(404, {"detail": "Not found."})

    def _job(self, request: Request) -> Job:
        kind = request.url.path.split("/")[3].removesuffix("s")
        for job in self._world.jobs:
            if (job.kind, job.id) == (kind, request.path_params["id"]):
                return job
        raise Refused(404, {"detail": "Not found."})


def _node(template: Any) -> Body:
    if template is None:
        return {"summary_fields": {"unified_job_template": {"id": 0, "unified_job_type": "workflow_approval"}}}
    kind = "job" if isinstance(template, Template) else "workflow_job"
    return {"summary_fields": {"unified_job_template": {"id": template.id, "unified_job_type": kind}}}


def _row(template: Any) -> Body:
    kind = "job_template" if isinstance(template, Template) else "workflow_job_template"
    return {
        **discovery.places(kind, template.id),
        **{f"ask_{name}_on_launch": name in template.asks for name in ASK},
        "id": template.id,
        "name": template.name,
        "summary_fields": {"organization": {"name": template.organization}},
    }


def _shown(job: Job) -> Body:
    variables = {name: "$encrypted$" if name in job.hidden else value for name, value in job.variables.items()}
    shown: Body = {
        **discovery.places(job.kind, job.id),
        "id": job.id, "name": job.name, "status": job.status, "launch_type": job.launch_type,
        "created": job.created, "started": job.started, "finished": job.finished,
        "job_explanation": job.explanation, "result_traceback": "", "extra_vars": json.dumps(variables),
        "launched_by": {"id": 7, "name": "firstline", "type": "user"},
        "limit": job.fields.get("limit", ""), "skip_tags": job.fields.get("skip_tags", ""),
        "job_tags": job.fields.get("job_tags", ""), "inventory": job.fields.get("inventory"),
        "summary_fields": {"credentials": [{"id": number} for number in job.fields.get("credentials", [])]},
    }  # fmt: skip
    if job.kind == "job":
        shown |= {"artifacts": job.artifacts, "execution_node": "awx_1" if job.started else ""}
        shown |= {"job_type": job.fields.get("job_type", "run"), "timeout": job.fields.get("timeout", 0)}
    return shown


def _summary(job: Job) -> Body:
    return {"id": job.id, "name": job.name, "type": job.kind, "status": job.status, "failed": job.status == "failed"}


def _page(request: Request, rows: list[Body]) -> Response:
    """Filtered, ordered and cut (django-ansible-base rest_filters; awx/api/pagination.py)."""
    query = dict(request.query_params)
    for key, asked in query.items():
        if key not in _RESERVED:
            rows = [row for row in rows if _fits(row, key, asked)]
    order = query.get("order_by", "id")
    rows = sorted(rows, key=lambda row: row[order.removeprefix("-")], reverse=order.startswith("-"))
    number, size = int(query.get("page", 1)), min(int(query.get("page_size", 25)), PAGES)
    begin, end = (number - 1) * size, number * size
    if rows and begin >= len(rows):
        raise Refused(404, {"detail": "Invalid page."})
    following = f"{request.url.path}?page={number + 1}" if end < len(rows) else None
    return JSONResponse({"count": len(rows), "next": following, "previous": None, "results": rows[begin:end]})


def _fits(row: Body, key: str, asked: str) -> bool:
    path, _, lookup = key.rpartition("__")
    if lookup not in _LOOKUPS:
        path, lookup = key, "exact"
    if path in _PRIVATE:
        raise Refused(403, {"detail": f"Filtering on {path} is not allowed."})
    if path == "organization__name":
        return bool(row["summary_fields"]["organization"]["name"] == asked)
    if path not in row:
        raise Refused(400, {"detail": f"{type(row).__name__} has no field named '{path}'"})
    has = row[path]
    if path == "created":
        has, asked = has.replace("Z", "+00:00"), asked.replace("Z", "+00:00")
    return _LOOKUPS[lookup](has, asked)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.body, error.status)


async def _missing(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": "The requested resource could not be found."}, 404)
