"""Lists are read newest first, a page at a time, by the id of the last one seen: never by offset, which grows slow."""

from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
from fastapi import Query
from pydantic import BaseModel

from firstline.store import Database

ShownT = TypeVar("ShownT")

Limit = Annotated[int, Query(ge=1, le=500)]
Before = Annotated[str, Query(description="Show what is older than this id: `next` of the page before.")]


class Page(BaseModel, Generic[ShownT]):
    items: list[ShownT]
    next: str | None = None


async def page(database: Database, query: sa.Select[Any], key: Any, limit: int, before: str) -> Page[dict[str, Any]]:
    """The rows of a query as JSON, newest first. `key` is a column that sorts by time."""
    if before:
        query = query.where(key < before)
    query = query.order_by(key.desc()).limit(limit + 1)
    rows = await database.read(lambda connection: connection.execute(query).mappings().all())
    items = [dict(row) for row in rows[:limit]]
    return Page(items=items, next=items[-1]["id"] if len(rows) > limit else None)
