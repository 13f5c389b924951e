"""Who is who, and who may what."""

from fastapi import APIRouter

from firstline.web.api.people import grant, person

router = APIRouter(tags=["people"])
for part in (grant, person):
    router.include_router(part.router)

__all__ = ["router"]
