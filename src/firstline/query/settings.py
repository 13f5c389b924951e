"""What an operator names for checks to ask: `[queries.NAME]`."""

from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from firstline.query.postgresql import Postgresql
from firstline.query.prometheus import Prometheus
from firstline.query.source import Source
from firstline.query.sql import Sql, unusable


class QuerySettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["prometheus", "sql"]
    url: str = Field(
        description="Of Prometheus (http://prometheus:9090), or of the database (by reference: it has a password)."
    )
    token: str = Field(default="", description="A bearer token for Prometheus, by reference.")
    user: str = Field(default="", description="For Prometheus behind basic authentication.")
    password: str = Field(default="", description="By reference.")


def source(settings: QuerySettings) -> Source:
    """Raises `Misdeclared` for an address that can't be used."""
    if settings.kind == "sql":
        return _database(settings.url)
    basic: Any = (settings.user, settings.password) if settings.user else None
    return Prometheus(settings.url, settings.token, basic)


def _database(url: str) -> Source:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise unusable(error) from None
    return Postgresql(address) if address.get_backend_name() == "postgresql" else Sql(address)
