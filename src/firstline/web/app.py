"""The web application of a hub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from firstline.hub import Hub
from firstline.web.api import router as api
from firstline.web.health import router as health
from firstline.web.hook import Hooks
from firstline.web.portal import router as portal


def create_app(hub: Hub) -> FastAPI:
    """The application; it starts the hub when it comes up, and closes it when it goes down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await hub.start()
        try:
            yield
        finally:
            await hub.close()

    app = FastAPI(
        title="Firstline",
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        openapi_url="/api/openapi.json",
        redoc_url=None,
    )
    app.state.hub = hub

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        """An error's words may quote what a vendor or a command said."""
        words = hub.context.mask.deep(error.detail)
        return await http_exception_handler(request, HTTPException(error.status_code, words, error.headers))

    # First, so that no other route is tried for a webhook.
    app.router.routes.insert(0, Mount("/hooks", app=Hooks(hub.pushing, hub.deliveries)))
    app.include_router(api)
    app.include_router(portal)
    app.include_router(health)
    return app
