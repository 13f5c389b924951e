"""What the instance itself says of a table: the choices of its fields, and which are mandatory.

Choices stand in sys_choice, fields in sys_dictionary, data policies in sys_data_policy_rule. Accounts may often not
read all of them: what can't be read is not known, and nothing is concluded from it. Remembered for a few minutes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from firstline.errors import FirstlineError, Rejected
from firstline_servicenow import query
from firstline_servicenow.memory import Memory
from firstline_servicenow.record import Record, value
from firstline_servicenow.table import Table

ROWS = 500
_STATE = re.compile(r"(?:^|\^|\^OR)(?:incident_|problem_)?state(=|IN)([^^]+)")


@dataclass(frozen=True)
class Mandatory:
    """A field that must be filled. `states`: in which states only; empty: always."""

    field: str
    states: tuple[str, ...] = ()


class Dictionary:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._choices: Memory[dict[str, dict[str, str]]] = Memory()
        self._mandatory: Memory[tuple[Mandatory, ...]] = Memory()

    async def choices(self, table: str, element: str) -> dict[str, str]:
        """Value and label of each active choice; empty where none can be read."""
        kept = self._choices.get(table)
        if kept is None:
            kept = self._choices.keep(table, await self._read_choices(table))
        return kept.get(element, {})

    async def mandatory(self, table: str) -> tuple[Mandatory, ...]:
        kept = self._mandatory.get(table)
        if kept is None:
            found = (*await self._dictionary(table), *await self._policies(table))
            kept = self._mandatory.keep(table, tuple(dict.fromkeys(found)))
        return kept

    async def lacking(self, table: str, record: Record, writes: Mapping[str, str]) -> list[str]:
        """Mandatory fields that are empty when a record is saved with these writes."""
        state = writes.get("state") or value(record, "state")
        after = {**{name: value(record, name) for name in record}, **writes}
        due = [rule.field for rule in await self.mandatory(table) if not rule.states or state in rule.states]
        return [name for name in dict.fromkeys(due) if not after.get(name)]

    async def explained(
        self, refusal: Rejected, table: str, record: Record, writes: Mapping[str, str], mend: str
    ) -> Rejected:
        """The refusal, with the mandatory fields that were empty, as far as they can be read. `mend`: where to give
        them."""
        try:
            lacking = await self.lacking(table, record, writes)
        except FirstlineError:
            return refusal  # it is what counts
        told = f". Mandatory and empty: {', '.join(lacking)}; give them in {mend}" if lacking else ""
        return Rejected(f"{refusal}{told}")

    async def _read_choices(self, table: str) -> dict[str, dict[str, str]]:
        """A table's own choices replace those it inherits from task."""
        elements = "state,close_code,resolution_code"
        where = query.where(("name", "IN", f"{table},task"), ("element", "IN", elements), ("inactive", "=", "false"))
        fields = ("name", "element", "value", "label", "language")
        rows = (await self._table.find("sys_choice", where + "^ORDERBYsequence", fields, ROWS)).rows
        rows.sort(key=lambda row: (value(row, "name") != table, value(row, "language") != "en"))
        found: dict[str, dict[str, str]] = {}
        owner: dict[str, str] = {}
        for row in rows:
            element, name = value(row, "element"), value(row, "name")
            if owner.setdefault(element, name) == name:
                found.setdefault(element, {}).setdefault(value(row, "value"), value(row, "label"))
        return found

    async def _dictionary(self, table: str) -> list[Mandatory]:
        where = query.where(("name", "IN", f"{table},task"), ("mandatory", "=", "true"), ("active", "=", "true"))
        rows = (await self._table.find("sys_dictionary", where, ("name", "element"), ROWS)).rows
        return [Mandatory(value(row, "element")) for row in rows if value(row, "element")]

    async def _policies(self, table: str) -> list[Mandatory]:
        """Only policies whose conditions are about the state, or that have none: others can't be judged here."""
        of = ("sys_data_policy.model_table", "IN", f"{table},task"), ("sys_data_policy.active", "=", "true")
        fields = ("field", "sys_data_policy.conditions")
        where = query.where(*of, ("mandatory", "=", "true"))
        rows = (await self._table.find("sys_data_policy_rule", where, fields, ROWS)).rows
        told = [(value(row, "field"), value(row, "sys_data_policy.conditions").removesuffix("^EQ")) for row in rows]
        return [Mandatory(name, states(conditions)) for name, conditions in told if judged(conditions)]


def states(conditions: str) -> tuple[str, ...]:
    """The states that an encoded query names."""
    return tuple(state for _, named in _STATE.findall(conditions) for state in named.split(","))


def judged(conditions: str) -> bool:
    """True when every condition is about the state."""
    parts = [part.removeprefix("OR") for part in conditions.split("^") if part]
    return all(_STATE.fullmatch(part) for part in parts)
