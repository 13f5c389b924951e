"""Changes of the hub's own register as people and programs read them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from firstline.connector import ChangeDraft, ChangeState, ChangeType
from firstline.register import change
from firstline.register.change import Line
from firstline.store.table import CHANGE

# Of the remediation that opened it: `firstline.remediation.change.closing.change_key` begins with it.
_BEFORE_ID = "firstline-"
REMEDIATION_ID = sa.func.substr(CHANGE.c.key, len(_BEFORE_ID) + 1, 32)


class ChangeSummary(BaseModel):
    """`approval`: of those who have to decide about it; `approved_by` who did, also who refused."""

    number: str
    remediation_id: str
    type: ChangeType
    state: ChangeState
    short_description: str
    ci: str
    planned_start: datetime | None
    planned_end: datetime | None
    approval: str
    approved_by: list[str]
    comment: str
    result: str
    late: bool
    opened_at: datetime
    closed_at: datetime | None


class ChangeWhole(ChangeSummary):
    draft: ChangeDraft
    notes: list[Line]


def newest(
    connection: sa.Connection, limit: int, before: str = "", *where: sa.ColumnElement[bool]
) -> list[ChangeSummary]:
    """Newest first; `before`: the number of the last one seen. Raises `Rejected` where that is none."""
    query = sa.select(CHANGE).where(*where).order_by(CHANGE.c.number.desc()).limit(limit)
    if before:
        query = query.where(CHANGE.c.number < change.counted(before))
    return [ChangeSummary.model_validate(_told(row)) for row in connection.execute(query).mappings()]


def one(connection: sa.Connection, number: str, *where: sa.ColumnElement[bool]) -> ChangeWhole | None:
    """The change with all that stands on it; None where there is none."""
    query = sa.select(CHANGE).where(CHANGE.c.number == change.counted(number), *where)
    row = connection.execute(query).mappings().first()
    return ChangeWhole.model_validate(_told(row)) if row else None


def _told(row: change.Row) -> dict[str, Any]:
    draft = row["draft"]
    summed = {name: draft[name] for name in ("short_description", "ci", "late")}
    remediation_id = row["key"].removeprefix(_BEFORE_ID)[:32]
    return {**row, **summed, "number": change.name(row["number"]), "remediation_id": remediation_id}
