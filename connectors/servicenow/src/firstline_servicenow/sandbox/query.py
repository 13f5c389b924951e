"""Encoded queries: `sysparm_query` of the Table API (operators as documented there). A part that is not understood is
ignored, as the vendor does by default."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from firstline_servicenow.sandbox.schema import NUMBER, SHAPES
from firstline_servicenow.sandbox.store import Row, Store

_CONDITION = re.compile(
    r"([a-z][a-z0-9_]*)(!=|>=|<=|=|>|<|STARTSWITH|ENDSWITH|NOT LIKE|LIKE|NOT IN|IN|ISEMPTY|ISNOTEMPTY)(.*)", re.DOTALL
)

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

    def holds(self, row: Row, numeric: bool) -> bool:
        have = row.get(self.field, "")
        if self.operator in _TESTS:
            return _TESTS[self.operator](have, self.value)
        return bool(have) and _compare(have, self.operator, self.value, numeric)


@dataclass(frozen=True)
class Query:
    """Groups are joined with AND, the conditions in a group with OR."""

    groups: tuple[tuple[Condition, ...], ...]
    order: tuple[tuple[str, bool], ...]


def parse(encoded: str, table: str) -> Query:
    groups: list[list[Condition]] = []
    order: list[tuple[str, bool]] = []
    for part in encoded.split("^"):
        if part.startswith("ORDERBY"):
            descending = part.startswith("ORDERBYDESC")
            field = part.removeprefix("ORDERBYDESC" if descending else "ORDERBY")
            if field in SHAPES[table].kinds:
                order.append((field, descending))
            continue
        other = part.startswith("OR")
        found = _CONDITION.fullmatch(part.removeprefix("OR") if other else part)
        if found is None or found[1] not in SHAPES[table].kinds:
            continue
        condition = Condition(found[1], found[2], found[3])
        if other and groups:
            groups[-1].append(condition)
        else:
            groups.append([condition])
    return Query(tuple(tuple(group) for group in groups), tuple(order))


def select(store: Store, table: str, encoded: str) -> list[Row]:
    """The rows that fit, in the order asked for."""
    query = parse(encoded, table)
    kinds = SHAPES[table].kinds
    rows = [
        row
        for row in _candidates(store, table, query)
        if all(any(c.holds(row, kinds[c.field] == NUMBER) for c in group) for group in query.groups)
    ]
    for field, descending in reversed(query.order):
        rows.sort(key=lambda row: _rank(row[field], kinds[field] == NUMBER), reverse=descending)
    return rows


def _candidates(store: Store, table: str, query: Query) -> Iterable[Row]:
    """By index where one condition allows it, else all rows."""
    for field, value in _exact(query):
        if field == "sys_id":
            row = store.get(table, value)
            return [row] if row else []
        if field in SHAPES[table].indexed:
            return store.among(table, field, value)
    return store.rows(table).values()


def _exact(query: Query) -> Iterator[tuple[str, str]]:
    return ((group[0].field, group[0].value) for group in query.groups if len(group) == 1 and group[0].operator == "=")


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
