"""Many at once: which remediations of the same mapping or service began a moment ago, and which of them goes first."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from firstline.guard import storm
from firstline.guard.settings import Often
from firstline.guard.storm import Begun
from firstline.guard.subject import folded
from firstline.remediation.attach import Active
from firstline.remediation.plan import Plan
from firstline.store.table import REMEDIATION, RemediationRow, now

_Key = tuple[str, str, str]  # what it is, its name, its environment


class Storms:
    """For one batch: asked for each event that would begin a remediation, and told of each that began."""

    def __init__(self, connection: sa.Connection, plans: Iterable[Plan], limit: Often | None) -> None:
        self._limit = limit
        self._begun: dict[_Key, list[Begun]] = defaultdict(list)
        self._records: dict[str, tuple[str, str]] = {}
        plans = [plan for plan in plans if _counts(plan)]
        if limit is not None and plans:
            self._read(connection, plans, now() - timedelta(seconds=limit.within))

    def parent(self, plan: Plan) -> tuple[Active, str] | None:
        """The remediation that goes first, and why, where this would be one more of a storm."""
        if self._limit is None or not _counts(plan):
            return None
        for key in _keys(plan.mapping, plan.service, plan.environment):
            found = storm.parent(self._begun[key], self._limit, now())
            if found is not None:
                return Active(found, self._records[found]), storm.why(f"the {key[0]} {key[1]}", self._limit)
        return None

    def add(self, row: RemediationRow) -> None:
        """It began in this batch."""
        if row.changes:
            self._put(row.id, row.mapping, row.service, row.environment, row.created_at, row.ended_at is None)
            self._records[row.id] = (row.connection, row.record)

    def _read(self, connection: sa.Connection, plans: list[Plan], since: datetime) -> None:
        columns = REMEDIATION.c
        same = columns.mapping.in_({plan.mapping for plan in plans})
        service = columns.service.in_({plan.service for plan in plans if plan.service})
        query = (
            sa.select(REMEDIATION)
            .with_only_columns(
                *(columns.id, columns.mapping, columns.service, columns.environment),
                *(columns.connection, columns.record, columns.created_at, columns.ended_at),
            )
            .where(columns.id >= _first_id(since), columns.created_at > since, columns.changes, same | service)
            .order_by(columns.id)
            .with_for_update()  # none of them ends before what is attached is there
        )
        for row in connection.execute(query):
            self._put(row.id, row.mapping, row.service, row.environment, row.created_at, row.ended_at is None)
            self._records[row.id] = (row.connection, row.record)

    def _put(self, id_: str, mapping: str, service: str, environment: str, at: datetime, active: bool) -> None:
        for key in _keys(mapping, service, environment):
            self._begun[key].append(Begun(id_, at, active))


def _counts(plan: Plan) -> bool:
    return plan.runbook.change is not None


def _keys(mapping: str, service: str, environment: str) -> list[_Key]:
    named = [("mapping", mapping), ("service", folded(service))]
    return [(kind, name, environment) for kind, name in named if name]


def _first_id(since: datetime) -> str:
    """Identifiers begin with their millisecond (`firstline.store.identifier`): the index finds what is newer."""
    return f"{int(since.timestamp() * 1000):012x}"
