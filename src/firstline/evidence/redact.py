"""A pack leaves the house: what looks like a secret is masked in it. Entries and what people were told were masked when
they were written; what came from elsewhere is masked here, and named, because it can't be checked any more."""

from typing import Any

import orjson

from firstline.declaration import canonical
from firstline.evidence.case import Case
from firstline.evidence.pack import body_path, plan_path, row_path
from firstline.masking import Masker


def redact(case: Case, mask: Masker) -> list[str]:
    """Mask what has to be, in place; gives the paths of these files."""
    masked = []
    for label, kept in case.rows.items():
        case.rows[label] = told = _row(kept, mask)
        if told != kept:
            masked.append(row_path(label))
    plan, case.plan = case.plan, _body(case.plan, mask)
    if plan != case.plan:
        masked.append(plan_path(case.id))
    for delivery, body in case.bodies.items():
        case.bodies[delivery] = told = _body(body, mask)
        if told != body:
            masked.append(body_path(delivery))
    return masked


def _row(kept: bytes, mask: Masker) -> bytes:
    values = orjson.loads(kept)
    told = {name: _value(value, mask) for name, value in values.items()}
    return kept if told == values else canonical(told)


def _value(value: Any, mask: Masker) -> Any:
    """A column's value: what holds JSON is masked by its names too, and keeps its spelling where nothing is masked."""
    if not isinstance(value, str):
        return value
    if value[:1] in ("{", "["):
        try:
            read = orjson.loads(value)
        except orjson.JSONDecodeError:
            return mask(value)
        told = mask.deep(read)
        return value if told == read else orjson.dumps(told).decode()
    return mask(value)


def _body(body: bytes, mask: Masker) -> bytes:
    text = body.decode("utf-8", "surrogateescape")
    told = _value(text, mask)
    return body if told == text else told.encode("utf-8", "surrogateescape")
