"""Pages for people, rendered on the server: what happened, and what waits for an answer."""

from fastapi import APIRouter

from firstline.web.portal.pages import approval, change, guard, output, remediation, session

router = APIRouter()
for part in (session, remediation, output, approval, guard, change):
    router.include_router(part.router)

__all__ = ["router"]
