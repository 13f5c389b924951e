"""The ASGI application: the vendor's paths, the page, and the stand-in's own doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from firstline.connector import SandboxSettings
from firstline_servicenow.sandbox import change_api, table_api
from firstline_servicenow.sandbox.admin import Admin
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.page import Page
from firstline_servicenow.sandbox.wire import Endpoint, guarded

_CHANGE = "/api/sn_chg_rest/change"


def create_app(settings: SandboxSettings) -> Starlette:
    """A stand-in of one ServiceNow instance, in memory."""
    instance = Instance(settings)
    admin, page = Admin(instance), Page(instance)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await instance.hook.aclose()

    def api(path: str, kind: str, endpoint: Endpoint, *methods: str) -> Route:
        return Route(path, guarded(instance, kind, endpoint), methods=list(methods))

    routes = [
        *[
            route
            for prefix in ("/api/now/table", "/api/now/{version:str}/table")
            for route in (
                api(f"{prefix}/{{table}}", "table", table_api.collection, "GET", "POST"),
                api(f"{prefix}/{{table}}/{{sys_id}}", "table row", table_api.single, "GET", "PATCH", "PUT", "DELETE"),
            )
        ],
        *[
            route
            for root in (_CHANGE, "/api/sn_chg_rest/v1/change")
            for route in (
                api(root, "changes", change_api.collection, "GET"),
                api(f"{root}/standard/{{template}}", "standard change", change_api.standard, "POST"),
                api(f"{root}/{{sys_id}}/nextstates", "next states", change_api.next_states, "GET"),
                api(f"{root}/{{kind}}", "change of a type", change_api.create, "POST"),
                api(f"{root}/{{sys_id}}", "change", change_api.single, "GET", "PATCH"),
            )
        ],
        Route("/", page.records),
        Route("/nav_to.do", page.form),
        Route("/sandbox/state", admin.state),
        Route("/sandbox/reset", admin.reset, methods=["POST"]),
        Route("/sandbox/trouble", admin.trouble, methods=["POST"]),
        Route("/sandbox/change/{number}/approve", admin.approve, methods=["POST"]),
        Route("/sandbox/change/{number}/reject", admin.reject, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
