"""Asks the Table API for what was changed, or opened, in a window.

Pages go by key, not by offset: a row that changes between two pages moves to the end and is met there, and no other
slips through the place it left. Times have whole seconds, so a page begins with the second, and within it the sys_id,
at which the one before ended. The limit cuts before access rules hide rows: where they hide a whole page, the next one
begins half a page further, so that rows that leave meanwhile take none along."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from firstline.connector import Delivery, Page, Window
from firstline.errors import Rejected
from firstline_servicenow import kind, query
from firstline_servicenow.record import moment, value, written
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Found, Table

LIMIT = 500  # rows a page
SECOND = timedelta(seconds=1)
COLUMNS = {"changed": "sys_updated_on", "opened": "sys_created_on"}


class Position(BaseModel):
    """Where the next page begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: int = Field(default=0, ge=0, description="Which of the tables.")
    at: AwareDatetime | None = Field(default=None, description="When the last row that was brought was saved.")
    sys_id: str = Field(default="", pattern=r"^([0-9a-f]{32})?$", description="That row.")
    skip: int = Field(default=0, ge=0, description="Rows after it that access rules hide.")
    total: int = Field(default=0, ge=0, description="Rows that the instance counts, of all tables up to this one.")
    began_at: AwareDatetime | None = Field(default=None, description="When it answered first, by its clock.")

    @property
    def fresh(self) -> bool:
        """At the beginning of a table."""
        return self.at is None and self.skip == 0


@dataclass(frozen=True)
class Poll:
    """One window, asked of the tables one after the other."""

    connection: str
    settings: ServiceNowSettings
    window: Window

    @property
    def tables(self) -> tuple[str, ...]:
        """A proof of completeness counts what is a fault or a task; a change request is neither."""
        opened = self.window.by == "opened"
        return tuple(table for table in self.settings.tables if table in kind.KINDS or not opened)

    async def page(self, table: Table, token: str) -> Page:
        position = _position(token)
        if position.table >= len(self.tables):
            return Page(deliveries=(), complete_to=self._complete(position, last=True), total=position.total)
        name = self.tables[position.table]
        found = await table.find(name, self.where(name, position), fields_of(self.settings, name), LIMIT, position.skip)
        return self.read(found, position)

    def where(self, name: str, position: Position) -> str:
        """The encoded query for a page. A time stands for its whole second."""
        column = COLUMNS[self.window.by]
        conditions = [(column, ">=", written(position.at or self.window.since))]
        if self.window.until is not None:
            conditions.append((column, "<", written(self.window.until + SECOND - timedelta(microseconds=1))))
        parts = [part for part in (self._filter(name), query.where(*conditions)) if part]
        if position.at is not None:
            parts.append(f"{column}>{written(position.at)}^ORsys_id>{position.sys_id}")
        return "^".join((*parts, f"ORDERBY{column}", "ORDERBYsys_id"))

    def read(self, found: Found, position: Position) -> Page:
        """What a page brought, and where the next begins."""
        began_at = position.began_at or found.answered_at
        total = position.total + (found.total if position.fresh else 0)
        position = position.model_copy(update={"began_at": began_at, "total": total})
        deliveries = tuple(self._deliveries(found, position))
        following = self._following(found, position)
        last = following.table >= len(self.tables)
        return Page(
            deliveries=deliveries,
            next="" if last else following.model_dump_json(),
            complete_to=self._complete(following, last),
            total=total,
        )

    def _following(self, found: Found, position: Position) -> Position:
        if not found.more:
            update: dict[str, Any] = {"table": position.table + 1, "at": None, "sys_id": "", "skip": 0}
        elif not found.rows:
            update = {"skip": position.skip + LIMIT // 2}
        else:
            row, column = found.rows[-1], COLUMNS[self.window.by]
            update = {"at": moment(row, column), "sys_id": query.sys_id(value(row, "sys_id")), "skip": 0}
        return position.model_copy(update=update)

    def _complete(self, position: Position, last: bool) -> datetime | None:
        """By the instance's clock, all before is brought. Its second may not be over, and the clock that stamps rows
        and the one that dates answers may differ by one."""
        if position.began_at is None:
            return None
        now = position.began_at.replace(microsecond=0) - SECOND
        if last:
            return min(now, self.window.until or now)
        if position.table < len(self.tables) - 1 or position.at is None:
            return None
        return min(now, position.at)

    def _deliveries(self, found: Found, position: Position) -> Iterator[Delivery]:
        for row in found.rows:
            for column in ("sys_id", "sys_mod_count", *COLUMNS.values()):
                if not value(row, column):
                    raise Rejected(f"the account may not read {column}, by which rows are told apart and put in order")
            body = orjson.dumps({"table": self.tables[position.table], "record": row})
            key = f"poll:{value(row, 'sys_id')}:{value(row, 'sys_mod_count')}"
            received_at = datetime.now(UTC)
            yield Delivery(connection=self.connection, key=key, body=body, received_at=received_at, polled=True)

    def _filter(self, name: str) -> str:
        chosen = {str(table): where for table, where in self.settings.filters.items()}.get(name, "")
        return "^".join(part for part in (kind.MEANT.get(name, ""), chosen) if part)


def fields_of(settings: ServiceNowSettings, table: str) -> tuple[str, ...]:
    """What is asked for of each record."""
    return tuple(dict.fromkeys(("sys_id", *kind.FIELDS[table], *settings.extra_fields, *settings.links)))


def _position(token: str) -> Position:
    try:
        return Position.model_validate_json(token) if token else Position()
    except ValidationError:
        raise Rejected(f"{token[:80]!r} is no page of a poll") from None
