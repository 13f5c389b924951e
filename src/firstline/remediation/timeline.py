"""Lines of a remediation's timeline: what happened, when, by whom. They are the ledger's entries about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from firstline.declaration import Json
from firstline.ledger import record
from firstline.ledger.entry import HUB
from firstline.store.table import LEDGER


def tell(
    connection: Connection,
    remediation_id: str,
    act: str,
    text: str,
    actor: str = HUB,
    *,
    facts: Mapping[str, Json] | None = None,
    rows: Mapping[str, str] | None = None,
) -> None:
    """Add a line, in the transaction of what it tells. `rows`: what `firstline.ledger.facet.bind` gives."""
    record(connection, remediation_id, act, text, by=actor, facts=facts, rows=rows)


def lines(connection: Connection, remediation_id: str) -> list[dict[str, Any]]:
    """A remediation's timeline, in its order: id, at (UTC), actor, act, text."""
    query = sa.select(LEDGER.c.entry).where(LEDGER.c.subject == remediation_id).order_by(LEDGER.c.id)
    entries = map(orjson.loads, connection.execute(query).scalars())
    return [
        {
            "id": one["id"],
            "at": datetime.fromisoformat(one["at"]),
            "actor": one["by"],
            "act": one["act"],
            "text": one["text"],
        }
        for one in entries
    ]
