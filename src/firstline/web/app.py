"""The web application of a hub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from firstline.hub import Hub
from firstline.web.api import router as api
from firstline.web.api.access import Seeing
from firstline.web.hook import Hooks
from firstline.web.metric import CONTENT_TYPE, figures
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

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse)
    async def metrics(_: Seeing) -> PlainTextResponse:
        """Figures in Prometheus' text form; a scraper sends a token as `authorization` credentials."""
        return PlainTextResponse(await hub.database.read(figures), media_type=CONTENT_TYPE)

    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    async def readyz() -> JSONResponse:
        """200 when events are taken and worked on; says what is wrong with the users' files meanwhile."""
        errors = [str(error) for error in hub.declared.errors]
        state = {
            "status": "ready" if hub.ready else "starting",
            "mappings": "kept last good" if errors else "ok",
            "errors": errors,
        }
        return JSONResponse(state, status_code=200 if hub.ready else 503)

    return app
