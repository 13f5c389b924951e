"""The web application of a hub."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.routing import Mount

from firstline.hub import Hub
from firstline.web.api import router as api
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
    # First, so that no other route is tried for a webhook.
    app.router.routes.insert(0, Mount("/hooks", app=Hooks(hub.connections, hub.deliveries)))
    app.include_router(api)
    app.include_router(portal)

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
