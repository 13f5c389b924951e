"""Whether the hub lives and is ready, and its figures."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from firstline.web.api.access import Seeing, TheHub
from firstline.web.metric import CONTENT_TYPE, figures

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(hub: TheHub, _: Seeing) -> PlainTextResponse:
    """Figures in Prometheus' text form; a scraper sends a token as `authorization` credentials."""
    return PlainTextResponse(await hub.database.read(figures), media_type=CONTENT_TYPE)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(hub: TheHub) -> JSONResponse:
    """200 when events are taken and worked on; says what is wrong with the users' files meanwhile."""
    errors = [str(error) for error in hub.declared.errors]
    state = {
        "status": "ready" if hub.ready else "starting",
        "mappings": "kept last good" if errors else "ok",
        "errors": errors,
    }
    return JSONResponse(state, status_code=200 if hub.ready else 503)
