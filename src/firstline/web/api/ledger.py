"""The ledger's entries, and the evidence of a remediation."""

import hashlib
import json
from datetime import datetime
from io import BytesIO
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, Field

from firstline.access import Person, Right
from firstline.access.right import EVERY
from firstline.evidence.asked import Asked
from firstline.evidence.export import export, tell
from firstline.evidence.maker import maker
from firstline.evidence.population import within
from firstline.hub import Hub
from firstline.store.database import snapshot
from firstline.store.table import LEDGER, REMEDIATION
from firstline.web.api.access import Seeing, TheHub
from firstline.web.api.page import Before, Limit, Page, page
from firstline.web.api.scope import admit, reach

router = APIRouter(tags=["ledger"])


class EntryShown(BaseModel):
    id: str
    position: int | None = Field(description="Its leaf in the tree; null: it has no place yet.")
    hash: str | None = Field(description="Of the leaf, 64 hexadecimal digits.")
    at: datetime
    act: str
    by: str
    subject: str = Field(description="A remediation's id, or person:NAME, mapping:PACK/ID, change:NUMBER ...")
    text: str
    facts: dict[str, Any]
    rows: dict[str, str] = Field(description="The rows it binds, with the SHA-256 of what is settled of them.")
    entry: str = Field(description="Byte for byte what is hashed.")


@router.get("/ledger", response_model=Page[EntryShown])
async def entries(
    hub: TheHub,
    person: Seeing,
    subject: str = "",
    act: str = "",
    since: Annotated[AwareDatetime | None, Query(description="Written then or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Written before.")] = None,
    limit: Limit = 50,
    before: Before = "",
) -> Page[dict[str, Any]]:
    """What was done and by whom, newest first. Who may see only some packs sees only what their remediations tell."""
    query = sa.select(LEDGER.c.id, LEDGER.c.position, LEDGER.c.hash, LEDGER.c.entry).where(_seen(hub, person))
    if subject:
        query = query.where(LEDGER.c.subject == subject)
    if act:
        query = query.where(_begins(f'{{"act":{json.dumps(act, ensure_ascii=False)},'))
    if since or until:
        query = query.where(within(Asked(since=since, until=until)))
    found = await page(hub.database, query, LEDGER.c.id, limit, before)
    return found.model_copy(update={"items": [_shown(row) for row in found.items]})


@router.get("/remediations/{remediation_id}/evidence", response_class=Response)
async def evidence(remediation_id: str, hub: TheHub, person: Seeing) -> Response:
    """All that is known of a remediation, as a zip that `firstline audit verify` checks without the hub. It tells of
    people and their rights too: for who may see all packs, or govern this one. That it was taken is in the ledger."""
    right = Right.SEE if _sees_all(hub, person) else Right.GOVERN
    await admit(hub, person, right, REMEDIATION, remediation_id)
    asked = Asked(remediation=remediation_id)

    def make(connection: sa.Connection) -> bytes:
        snapshot(connection)
        file = BytesIO()
        export(connection, asked, file, maker(hub.settings, person.name, hub.context.mask))
        return file.getvalue()

    content = await hub.database.read(make)
    digest = hashlib.sha256(content).hexdigest()
    await hub.database.write(lambda connection: tell(connection, asked.words, digest, person.name))
    named = f'attachment; filename="evidence-{remediation_id}.zip"'
    headers = {"Content-Disposition": named, "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/zip", headers=headers)


def _sees_all(hub: Hub, person: Person) -> bool:
    return person.may(Right.SEE, pack=EVERY, environment=hub.settings.hub.environment)


def _seen(hub: Hub, person: Person) -> sa.ColumnElement[bool]:
    if _sees_all(hub, person):
        return sa.true()
    theirs = sa.select(REMEDIATION.c.id).where(reach(hub, person, Right.SEE, REMEDIATION))
    return LEDGER.c.subject.in_(theirs)


def _begins(text: str) -> sa.ColumnElement[bool]:
    """Every entry begins with its act: keys are sorted."""
    return sa.func.substr(sa.type_coerce(LEDGER.c.entry, sa.Text), 1, len(text)) == text


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**orjson.loads(row["entry"]), **row, "hash": row["hash"] and bytes(row["hash"]).hex()}
