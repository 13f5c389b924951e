"""Encoded queries: `sysparm_query` of the Table API (operators as documented there). A part that is not understood is
ignored, as the vendor does by default."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from firstline_servicenow.sandbox.schema import DATE, NUMBER
from firstline_servicenow.sandbox.store import Row, Store

_CONDITION = re.compile(
    r"([a-z][a-z0-9_.]*)(!=|>=|<=|=|>|<|STARTSWITH|ENDSWITH|NOT LIKE|LIKE|NOT IN|IN|ISEMPTY|ISNOTEMPTY)(.*)", re.DOTALL
)
_MOMENT = "%Y-%m-%d %H:%M:%S"

_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "STARTSWITH": lambda have, want: have.lower().startswith(want.lower()),
    "ENDSWITH": lambda have, want: have.lower().endswith(want.lower()),
    "LIKE": lambda have, want: want.lower() in have.lower(),
    "NOT LIKE": lambda have, want: want.lower() not in have.lower(),
    "IN": lambda have, want: have in want.split(","),
    "NOT IN": lambda have, want: have not in want.split(","),
    "ISEMPTY": lambda have, _: not have,
    "ISNOTEMPTY": lambda have, _: bool(have),
}


@dataclass(frozen=True)
class Condition:
    field: str
    operator: str
    value: str
    numeric: bool = False

    def holds(self, have: str) -> bool:
        if self.operator in _TESTS:
            return _TESTS[self.operator](have, self.value)
        return bool(have) and _compare(have, self.operator, self.value, self.numeric)


@dataclass(frozen=True)
class Query:
    """Groups are joined with AND, the conditions in a group with OR."""

    groups: tuple[tuple[Condition, ...], ...]
    order: tuple[tuple[str, bool], ...]

    def fits(self, store: Store, table: str, row: Row) -> bool:
        return all(any(c.holds(store.value(table, row, c.field)) for c in group) for group in self.groups)


def parse(store: Store, encoded: str, table: str, zone: tzinfo = UTC) -> Query:
    """`zone`: in which the times of the query are meant."""
    groups: list[list[Condition]] = []
    order: list[tuple[str, bool]] = []
    for part in encoded.split("^"):
        if part.startswith("ORDERBY"):
            descending = part.startswith("ORDERBYDESC")
            field = part.removeprefix("ORDERBYDESC" if descending else "ORDERBY")
            if field in store.shapes[table].kinds:
                order.append((field, descending))
            continue
        other = part.startswith("OR")
        condition = _condition(store, table, part.removeprefix("OR") if other else part, zone)
        if condition is None:
            continue
        if other and groups:
            groups[-1].append(condition)
        else:
            groups.append([condition])
    return Query(tuple(tuple(group) for group in groups), tuple(order))


def select(store: Store, table: str, encoded: str, zone: tzinfo = UTC) -> list[Row]:
    """The rows that fit, in the order asked for."""
    query = parse(store, encoded, table, zone)
    kinds = store.shapes[table].kinds
    rows = [row for row in _candidates(store, table, query) if query.fits(store, table, row)]
    for field, descending in reversed(query.order):
        rows.sort(key=lambda row: _rank(row[field], kinds[field] == NUMBER), reverse=descending)
    return rows


def _condition(store: Store, table: str, part: str, zone: tzinfo) -> Condition | None:
    found = _CONDITION.fullmatch(part)
    reached = store.reach(table, None, found[1]) if found else None
    if found is None or reached is None:
        return None
    kind = store.shapes[reached.table].kinds[reached.field]
    value = _utc(found[3], zone) if kind == DATE else found[3]
    return Condition(found[1], found[2], value, kind == NUMBER)


def _candidates(store: Store, table: str, query: Query) -> Iterable[Row]:
    """By index where one condition allows it, else all rows."""
    for field, value in _exact(query):
        if field == "sys_id":
            row = store.get(table, value)
            return [row] if row else []
        if field in store.shapes[table].indexed:
            return store.among(table, field, value)
    return store.rows(table).values()


def _exact(query: Query) -> Iterator[tuple[str, str]]:
    return ((group[0].field, group[0].value) for group in query.groups if len(group) == 1 and group[0].operator == "=")


def _utc(text: str, zone: tzinfo) -> str:
    try:
        return datetime.strptime(text, _MOMENT).replace(tzinfo=zone).astimezone(UTC).strftime(_MOMENT)
    except ValueError:
        return text


def _compare(have: str, operator: str, want: str, numeric: bool) -> bool:
    left, right = _rank(have, numeric), _rank(want, numeric)
    if operator.startswith(">"):
        return left > right or (operator == ">=" and left == right)
    return left < right or (operator == "<=" and left == right)


def _rank(value: str, numeric: bool) -> tuple[float, str]:
    if numeric:
        try:
            return float(value), ""
        except ValueError:
            return float("-inf"), value
    return 0.0, value
