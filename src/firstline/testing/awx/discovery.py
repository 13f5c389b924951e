"""What clients find their way by (awxkit's `awx`): the root, its lists, what may be asked of each, what is related.

AWX answers OPTIONS with the fields of each action (awx/api/metadata.py), and each row with its `url` and `related`.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Body = dict[str, Any]
_RELATED = {
    "job_template": ("launch", "survey_spec", "jobs"),
    "workflow_job_template": ("launch", "survey_spec", "workflow_jobs", "workflow_nodes"),
    "job": ("cancel", "job_events", "job_host_summaries"),
    "workflow_job": ("cancel", "workflow_nodes"),
}
_LAUNCH = {"extra_vars": "json", "limit": "string", "job_tags": "string", "skip_tags": "string", "inventory": "id"}


def routes(lists: list[str]) -> list[Route]:
    async def root(_: Request) -> Response:
        """Open to all, as a client must know how to sign in."""
        versions = {"current_version": "/api/v2/", "available_versions": {"v2": "/api/v2/"}}
        return JSONResponse({"description": "AWX REST API", **versions})

    async def version(_: Request) -> Response:
        return JSONResponse({name: f"/api/v2/{name}/" for name in [*lists, "ping"]})

    async def options(request: Request) -> Response:
        launch = request.url.path.endswith("/launch/")
        fields = {name: {"type": kind, "required": False, "help_text": name} for name, kind in _LAUNCH.items()}
        actions: Body = {"POST": fields} if launch else {"GET": {}}
        allow = "GET, POST, HEAD, OPTIONS" if launch else "GET, HEAD, OPTIONS"
        return JSONResponse({"name": request.url.path, "actions": actions}, headers={"Allow": allow})

    return [
        Route("/api/", root),
        Route("/api/v2/", version),
        Route("/api/v2/{rest:path}", options, methods=["OPTIONS"]),
    ]


def places(kind: str, number: int) -> Body:
    """Of a row: its type, its address, and those of what belongs to it."""
    url = f"/api/v2/{kind}s/{number}/"
    return {"type": kind, "url": url, "related": {name: f"{url}{name}/" for name in _RELATED.get(kind, ())}}
