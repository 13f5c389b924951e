"""Column types for what comes from elsewhere and is shown to people: whoever writes it, its secrets are masked."""

from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from firstline.declaration import canonical
from firstline.masking import Masker

_SHAPES = Masker()


def mask_with(engine: sa.Engine, mask: Masker) -> None:
    """What is told to this database is masked with `mask`; without one only what looks like a secret is."""
    # Each engine has a dialect of its own, and that is all that a column's type is shown of it.
    engine.dialect.firstline_mask = mask  # type: ignore[attr-defined]


def _mask(dialect: Dialect) -> Masker:
    mask: Masker = getattr(dialect, "firstline_mask", _SHAPES)
    return mask


class Told(TypeDecorator[str]):
    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and _mask(dialect)(value)


class ToldJson(TypeDecorator[Any]):
    """As `firstline.store.table.Json`, with every text in it masked."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(_mask(dialect).deep(value)).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else orjson.loads(value)


class Entered(TypeDecorator[Any]):
    """An entry of the ledger: masked, then in its canonical form, whose bytes are what is hashed. Read as that text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(_mask(dialect).deep(value)).decode()
