"""The ASGI application: the vendor's paths, the page, and the stand-in's own doors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from firstline.chaos import ChaosApp
from firstline.connector import SandboxSettings
from firstline_servicenow.sandbox import attachment_api, change_api, table_api
from firstline_servicenow.sandbox.admin import Admin
from firstline_servicenow.sandbox.desk import Desk
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.instance import Instance
from firstline_servicenow.sandbox.page import Page
from firstline_servicenow.sandbox.token_api import TokenApi
from firstline_servicenow.sandbox.wire import Endpoint, guarded

_CHANGE = "/api/sn_chg_rest/change"


def create_app(settings: SandboxSettings) -> Starlette:
    """A stand-in of one ServiceNow instance, in memory."""
    instance = Instance(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await instance.hook.aclose()

    routes = [*_vendors(instance), *_peoples(instance)]
    chaos = Middleware(ChaosApp, faults=instance.faults, refusal=_refusal)
    return Starlette(routes=routes, lifespan=lifespan, middleware=[chaos])


def _refusal(status: int) -> object:
    return Fault(status, "Rate limit exceeded" if status == 429 else "Service unavailable").body


def _vendors(instance: Instance) -> list[Route]:
    """The interfaces that ServiceNow documents, with and without their version."""

    def api(path: str, kind: str, endpoint: Endpoint, *methods: str) -> Route:
        return Route(path, guarded(instance, kind, endpoint), methods=list(methods))

    return [
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
                api(f"{root}/{{sys_id}}/approvals", "approvals", change_api.approvals, "PATCH"),
                api(f"{root}/{{kind}}", "change of a type", change_api.create, "POST"),
                api(f"{root}/{{sys_id}}", "change", change_api.single, "GET", "PATCH"),
            )
        ],
        *[
            route
            for root in ("/api/now/attachment", "/api/now/v1/attachment")
            for route in (
                api(root, "attachments", attachment_api.collection, "GET"),
                api(f"{root}/file", "attachment", attachment_api.upload, "POST"),
                api(f"{root}/{{sys_id}}", "attachment", attachment_api.single, "GET", "DELETE"),
                api(f"{root}/{{sys_id}}/file", "attachment file", attachment_api.download, "GET"),
            )
        ],
        Route("/oauth_token.do", TokenApi(instance).give, methods=["POST"]),
    ]


def _peoples(instance: Instance) -> list[Route]:
    """Pages, and what a rehearsal asks of the stand-in itself."""
    admin, desk, page = Admin(instance), Desk(instance), Page(instance)
    return [
        Route("/", page.records),
        Route("/nav_to.do", page.form),
        Route("/sandbox/state", admin.state),
        Route("/sandbox/reset", admin.reset, methods=["POST"]),
        Route("/sandbox/trouble", admin.trouble, methods=["POST"]),
        Route("/sandbox/rules", admin.rules, methods=["GET", "PUT"]),
        Route("/sandbox/tokens/expire", admin.expire, methods=["POST"]),
        Route("/sandbox/change/{number}/approve", desk.approve, methods=["POST"]),
        Route("/sandbox/change/{number}/reject", desk.reject, methods=["POST"]),
        Route("/sandbox/change/{number}/plan", desk.plan, methods=["POST"]),
    ]
