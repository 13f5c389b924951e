"""One stand-in instance: its rows, who may sign in, and what a save sets off."""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from firstline.chaos import Faults
from firstline.connector import SandboxSettings
from firstline_servicenow.sandbox import approval, change, incident, task
from firstline_servicenow.sandbox.fault import Fault
from firstline_servicenow.sandbox.hook import Hook
from firstline_servicenow.sandbox.model import BASE, Model
from firstline_servicenow.sandbox.rule import Rules, setup
from firstline_servicenow.sandbox.schema import TOLD
from firstline_servicenow.sandbox.seed import API_KEYS, OAUTH_CLIENTS, USERS, records
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
        self.faults = Faults(settings.chaos)
        self.hook = Hook(settings.hook_url, settings.hook_secret, self.faults)
        self.requests: Counter[str] = Counter()
        self.reset()

    def reset(self, seed: dict[str, Any] | None = None) -> None:
        """Back to the seed, or to another one; nothing is told of it."""
        if seed is not None:
            self.settings = self.settings.model_copy(update={"seed": seed})
        seed = self.settings.seed
        self.hook.forget()
        self.trouble = Trouble()
        self.seeded = False
        self.requests.clear()
        self.files: dict[str, bytes] = {}
        self.store = Store(self._saved, seed.get("columns"))
        self.clients = {one["client_id"]: one for one in seed.get("oauth_clients", OAUTH_CLIENTS)}
        self.api_keys = {one["key"]: one["user"] for one in seed.get("api_keys", API_KEYS)}
        self.tokens: dict[str, str] = {}
        self.rules = Rules(self.store, setup({}, self.store))
        self._people(seed.get("users", USERS))
        for table, rows in records(seed, self.settings.hook_url).items():
            for row in rows:
                self._seed(table, row)
        self.set_up(seed.get("rules", {}))
        self.seeded = True

    def set_up(self, told: Mapping[str, Any]) -> None:
        """From now on these rules. Raises `ValueError` for what is none."""
        self.rules = Rules(self.store, setup(dict(told), self.store))
        self.store.lag = self.rules.lag

    def create(self, table: str, values: dict[str, Any], by: str) -> Row:
        given = self._given(table, values, by)
        if table == "incident":
            given = incident.inserted(self.store, given, by)
        elif table == "change_request":
            given = change.inserted(self.store, given, by)
        shape = self.store.shapes[table]
        self.rules.demand(table, dict.fromkeys(shape.kinds, "") | shape.defaults | given)
        return self.store.insert(table, given, by)

    def write(self, table: str, row: Row, values: dict[str, Any], by: str) -> None:
        given = self._given(table, values, by)
        if table == "change_request":
            self.rules.demand(table, row | given)
            setup = self.rules.setup
            change.update(self.store, row, given, by, self.model(row), refuses=setup.refuses)
        elif table == approval.TABLE and "state" in given:
            self._answer(row, given, by)
        else:
            if table == "incident":
                given = incident.updated(self.store, row, given, self.admin(by), by)
            given = task.updated(self.store, table, row, given)
            self.rules.demand(table, row | given)
            self.store.update(table, row, given, by)

    def decide(self, entry: Row, answer: Row, by: str) -> None:
        """Save an approver's answer: `state`, and `comments`."""
        changed = self.store.get("change_request", entry["sysapproval"])
        if changed is not None:
            approval.decide(self.store, entry, answer, by, self.model(changed), self.rules.setup.quorum)

    def model(self, row: Row) -> Model:
        """The change model that a change follows."""
        return {**BASE, **self.rules.setup.models}[row["type"]]

    def reads(self, user: str, table: str, row: Row) -> bool:
        return self.admin(user) or not self.rules.hides(table, row)

    def admin(self, user: str) -> bool:
        found = self.store.first("sys_user", "user_name", user)
        return found is not None and "admin" in found["roles"].split(",")

    def zone(self, user: str) -> tzinfo:
        """In which the times in the user's queries are meant. Documented as UTC; here an account's own zone counts, so
        that one can see what happens where an instance reads them so."""
        found = self.store.first("sys_user", "user_name", user)
        return ZoneInfo(found["time_zone"]) if found and found["time_zone"] else UTC

    def token(self, client_id: str, client_secret: str) -> str:
        """A new OAuth token; empty: that is no client of ours."""
        client = self.clients.get(client_id)
        if client is None or client["client_secret"] != client_secret:
            return ""
        token = secrets.token_urlsafe(40)
        self.tokens[token] = client["user"]
        return token

    def _given(self, table: str, values: dict[str, Any], by: str) -> dict[str, str]:
        kinds = self.store.shapes[table].kinds
        given = {name: text(value) for name, value in values.items() if name in kinds}
        return given if self.admin(by) else self.rules.kept(table, given)

    def _answer(self, entry: Row, values: Row, by: str) -> None:
        """An approver sets the state of an approval."""
        if by not in approval.answerers(self.store, entry):
            raise Fault(403, "Operation Failed", "ACL Exception Update Failed due to security constraints")
        self.decide(entry, values, by)

    def _people(self, users: list[dict[str, Any]]) -> None:
        self.accounts: dict[str, str] = {}
        for user in users:
            self.accounts[user["user_name"]] = user["password"]
            person = self.store.insert("sys_user", {**user, "roles": ",".join(user.get("roles", []))}, "system")
            for name in user.get("roles", []):
                role = self.store.first("sys_user_role", "name", name)
                role = role or self.store.insert("sys_user_role", {"name": name}, "system")
                self.store.insert("sys_user_has_role", {"user": person["sys_id"], "role": role["sys_id"]}, "system")

    def _seed(self, table: str, values: dict[str, Any]) -> None:
        by = text(values.get("sys_created_by")) or "system"
        derived = {}
        if table == "incident" and "priority" not in values:
            derived = incident.inserted(self.store, {name: text(value) for name, value in values.items()}, by)
        self.store.insert(table, {**derived, **values}, by)

    def _saved(self, table: str, row: Row, before: Row | None, entries: Mapping[str, str]) -> None:
        if table in TOLD and self.seeded:
            self.hook.tell(self.store, table, row, before, entries)
