"""The types of columns, and how a table declares them."""

from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

from firstline.store.clock import now
from firstline.store.identifier import new_id
from firstline.store.told import Told, ToldJson


class Json(TypeDecorator[Any]):
    """A JSON value as text: the same bytes on every database, and fast."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else orjson.loads(value)


class Moment(TypeDecorator[datetime]):
    """An aware time, kept as UTC microseconds since 1970: sorts and compares alike on every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else round(value.timestamp() * 1_000_000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromtimestamp(value / 1_000_000, UTC)


def key() -> Any:
    return Field(default_factory=new_id, primary_key=True)


def moment(**options: Any) -> Any:
    return Field(default_factory=now, sa_type=Moment, **options)


def later(**options: Any) -> Any:
    return Field(default=None, sa_type=Moment, nullable=True, **options)


def json(**options: Any) -> Any:
    return Field(default=None, sa_type=Json, nullable=True, **options)


def told(default: str = "") -> Any:
    return Field(default=default, sa_type=Told)


def told_json() -> Any:
    return Field(default=None, sa_type=ToldJson, nullable=True)
