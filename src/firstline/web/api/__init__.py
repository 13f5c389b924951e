"""/api/v1: what happened, why, and the answers people give. Every call needs a token."""

from fastapi import APIRouter, Security

from firstline.web.api import (
    approval,
    change,
    connection,
    event,
    guard,
    ledger,
    mode,
    output,
    people,
    plan,
    remediation,
    source,
    writeback,
)
from firstline.web.api.access import described

# A body is read before its sender is known: it may not be large.
router = APIRouter(prefix="/api/v1", dependencies=[Security(described)], max_body_size=65_536)
for part in (
    event,
    remediation,
    approval,
    writeback,
    connection,
    source,
    people,
    guard,
    ledger,
    change,
    mode,
    plan,
    output,
):
    router.include_router(part.router)
