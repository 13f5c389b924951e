"""/api/v1: what happened, why, and the answers people give. Every call needs a token."""

from fastapi import APIRouter

from firstline.web.api import approval, connection, event, remediation, writeback

router = APIRouter(prefix="/api/v1")
for part in (event, remediation, approval, writeback, connection):
    router.include_router(part.router)
