"""/api/v1: what happened, why, and the answers people give. Every call needs a token."""

from fastapi import APIRouter, Security

from firstline.web.api import approval, connection, event, remediation, writeback
from firstline.web.api.access import described

router = APIRouter(prefix="/api/v1", dependencies=[Security(described)])
for part in (event, remediation, approval, writeback, connection):
    router.include_router(part.router)
