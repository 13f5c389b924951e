"""One stand-in instance: its rows, who may sign in, and what a save sets off."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from firstline.connector import SandboxSettings
from firstline_servicenow.sandbox import change, incident
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.hook import Hook
from firstline_servicenow.sandbox.schema import SHAPES
from firstline_servicenow.sandbox.seed import USERS, records
from firstline_servicenow.sandbox.store import Row, Store, text


@dataclass
class Trouble:
    """What the next `times` API requests are answered with, instead of being heard."""

    status: int = 503
    times: int = 0
    retry_after: int = 1


class Instance:
    """`requests` counts what the APIs were asked, by method and kind of path."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.hook = Hook(settings.hook_url, settings.hook_secret)
        self.requests: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Back to the seed; nothing is told of it."""
        self.hook.forget()
        self.trouble = Trouble()
        self.seeded = False
        self.requests.clear()
        self.store = Store(self._saved)
        self.accounts: dict[str, str] = {}
        for user in self.settings.seed.get("users", USERS):
            self.accounts[user["user_name"]] = user["password"]
            roles = ",".join(user.get("roles", []))
            self.store.insert("sys_user", {**user, "roles": roles}, "system")
        for table, rows in records(self.settings.seed).items():
            for row in rows:
                self._seed(table, row)
        self.seeded = True

    def create(self, table: str, values: dict[str, Any], by: str) -> Row:
        given = {name: text(value) for name, value in values.items() if name in SHAPES[table].kinds}
        if table == "incident":
            given = incident.inserted(self.store, given, by)
        elif table == "change_request":
            given = change.inserted(self.store, given, by)
        return self.store.insert(table, given, by)

    def write(self, table: str, row: Row, values: dict[str, Any], by: str) -> None:
        given = {name: text(value) for name, value in values.items() if name in SHAPES[table].kinds}
        if table == "change_request":
            change.update(self.store, row, given, by)
        elif table == "sysapproval_approver":
            self._answer(row, given, by)
        else:
            if table == "incident":
                given = incident.updated(self.store, row, given, self.admin(by), by)
            self.store.update(table, row, given, by)

    def admin(self, user: str) -> bool:
        found = self.store.first("sys_user", "user_name", user)
        return found is not None and "admin" in found["roles"].split(",")

    def _answer(self, row: Row, values: Row, by: str) -> None:
        """An approver sets the state of an approval."""
        covered = self.store.get("change_request", row["sysapproval"])
        if covered is None or values.get("state") not in ("approved", "rejected"):
            raise Fault(403, "Operation Failed", "An approval is approved or rejected")
        change.decide(self.store, covered, values["state"] == "approved", by, values.get("comments", ""))

    def _seed(self, table: str, values: dict[str, Any]) -> None:
        by = text(values.get("sys_created_by")) or "system"
        derived = {}
        if table == "incident" and "priority" not in values:
            derived = incident.inserted(self.store, {name: text(value) for name, value in values.items()}, by)
        self.store.insert(table, {**derived, **values}, by)

    def _saved(self, table: str, row: Row, before: Row | None) -> None:
        if table in ("incident", "change_request") and self.seeded:
            self.hook.tell(self.store, table, row, before)
