"""What an instance's administrators set up: access rules, data policies, rate limits. And rows that are written late.

All of it can be changed while the stand-in runs: PUT /sandbox/rules."""

import time
from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from firstline_servicenow.sandbox import query
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.model import Model
from firstline_servicenow.sandbox.schema import TOLD
from firstline_servicenow.sandbox.store import Row, Store

HOUR = 3600


class Late(BaseModel):
    """The next `rows` saves are dated so many seconds before they are seen, as those of a long transaction are."""

    model_config = ConfigDict(extra="forbid")

    rows: int = Field(default=0, ge=0)
    seconds: float = Field(default=45.0, ge=0, le=HOUR)


class Setup(BaseModel):
    """Administrators are exempt from the first two, which are silent: nobody is told of what is left out."""

    model_config = ConfigDict(extra="forbid")

    hidden: dict[str, str] = Field(default_factory=dict, description="By table, the rows that can't be read: a query.")
    ignored: dict[str, list[str]] = Field(default_factory=dict, description="By table, fields that can't be written.")
    limit: int | None = Field(default=None, ge=1, description="Requests an hour for each account.")
    late: Late = Late()
    models: dict[str, Model] = Field(
        default_factory=dict, description="By type of change, a change model in place of the base system's."
    )
    refuses: bool = Field(default=False, description="A transition that the model lacks is refused, not ignored.")
    quorum: int = Field(default=1, ge=1, description="Approvals that a change needs.")


class Rules:
    def __init__(self, store: Store, setup: Setup) -> None:
        self._store = store
        self.setup = setup
        self._asked: Counter[str] = Counter()
        self._began = time.time()

    def hides(self, table: str, row: Row) -> bool:
        encoded = self.setup.hidden.get(table)
        return encoded is not None and query.parse(self._store, encoded, table).fits(self._store, table, row)

    def kept(self, table: str, values: dict[str, str]) -> dict[str, str]:
        """The values that may be written."""
        ignored = self.setup.ignored.get(table, ())
        return {name: value for name, value in values.items() if name not in ignored}

    def demand(self, table: str, row: Row) -> None:
        """Data policies: fields that are mandatory when the row is as their conditions say."""
        missing = [label for label, policy in self._mandatory(table, row) if policy]
        if missing:
            told = "; ".join(f"{label} is mandatory" for label in missing)
            raise Fault(403, "Operation Failed", f"Data Policy Exception: {told}")

    def _mandatory(self, table: str, row: Row) -> list[tuple[str, bool]]:
        found = []
        for rule in self._store.rows("sys_data_policy_rule").values():
            policy = self._store.get("sys_data_policy2", rule["sys_data_policy"])
            if policy and policy["active"] == "true" and policy["model_table"] == table and rule["mandatory"] == "true":
                fits = query.parse(self._store, policy["conditions"], table).fits(self._store, table, row)
                found.append((self._label(table, rule["field"]), fits and not row.get(rule["field"])))
        return found

    def _label(self, table: str, field: str) -> str:
        entries = self._store.rows("sys_dictionary").values()
        named = [e["column_label"] for e in entries if (e["name"], e["element"]) == (table, field)]
        return named[0] if named and named[0] else field.replace("_", " ").capitalize()

    def admit(self, user: str) -> dict[str, str]:
        """Count a request; the headers of its answer. Raises a 429 past the limit."""
        if self.setup.limit is None:
            return {}
        if time.time() >= self._began + HOUR:
            self._asked.clear()
            self._began = time.time()
        self._asked[user] += 1
        ends = int(self._began + HOUR)
        headers = {"X-RateLimit-Limit": str(self.setup.limit), "X-RateLimit-Reset": str(ends)}
        headers["X-RateLimit-Rule"] = "0" * 31 + "1"
        if self._asked[user] > self.setup.limit:
            wait = {"Retry-After": str(max(1, ends - int(time.time())))}
            raise Limited({**headers, **wait})
        return headers

    def lag(self, table: str) -> float:
        """How long before now the next save is dated."""
        late = self.setup.late
        if late.rows == 0 or table not in TOLD:
            return 0.0
        late.rows -= 1
        return late.seconds


class Limited(Fault):
    """Past the rate limit."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(429, "Rate limit exceeded", "The rate limit rule that fits the account allows no more.")
        self.headers = headers


def setup(told: dict[str, Any], store: Store) -> Setup:
    """Raises `ValueError` for what it does not know."""
    made = Setup.model_validate(told)
    for table in (*made.hidden, *made.ignored):
        if table not in store.shapes:
            raise ValueError(f"the sandbox keeps no table {table}")
    return made
