"""Finds the mappings that may match an event without looking at the others."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from firstline.declaration import Json
from firstline.mapping.compile import CompiledMapping
from firstline.mapping.condition import Condition, lookup

_Key = tuple[str, str | int]  # event type, value


class Index:
    """Each mapping stands under its most selective condition (the one whose literals the fewest mappings ask for), or,
    having none, under its event types alone. Costs what the event's own values cost to look up, however many mappings
    there are."""

    def __init__(self, mappings: Sequence[CompiledMapping]) -> None:
        self._paths: dict[str, Condition] = {}
        self._by_value: dict[str, dict[_Key, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._by_type: dict[str, list[int]] = defaultdict(list)
        wanted = Counter(
            (one.path, literal) for mapping in mappings for one in mapping.conditions for literal in set(one.literals)
        )
        for number, mapping in enumerate(mappings):
            self._add(number, mapping, wanted)

    def _add(self, number: int, mapping: CompiledMapping, wanted: Counter[tuple[str, str | int]]) -> None:
        def share(one: Condition) -> int:
            return sum(wanted[one.path, literal] for literal in set(one.literals))

        best = min(mapping.conditions, key=share, default=None)
        for kind in set(mapping.declaration.on):
            if best is None:
                self._by_type[kind].append(number)
                continue
            self._paths.setdefault(best.path, best)
            for literal in set(best.literals):
                self._by_value[best.path][kind, literal].append(number)

    def candidates(self, kind: str, values: Mapping[str, Json]) -> list[int]:
        """The numbers of the mappings that may match an event of type `kind`, in order."""
        found = list(self._by_type.get(kind, ()))
        for path, one in self._paths.items():
            value = lookup(one, values)
            if value is not None:
                found += self._by_value[path].get((kind, value), ())
        return sorted(found)
