"""What the instance's own rules say of what we are going to do: rights, states, mandatory fields, the webhook's parts.

Much of it only administrators may read. What can't be read is said, and is no fault."""

from collections.abc import Awaitable

from firstline.connector import Finding, StateChange
from firstline.errors import FirstlineError, Rejected
from firstline_servicenow import kind, query, state
from firstline_servicenow.dictionary import Dictionary
from firstline_servicenow.instruction import RULE_NAME
from firstline_servicenow.lifecycle import Lifecycle
from firstline_servicenow.record import value
from firstline_servicenow.settings import ServiceNowSettings
from firstline_servicenow.table import Table

_WRITERS = frozenset({"itil", "sn_incident_write"})
_TOO_MUCH = frozenset({"admin", "security_admin", "change_manager", "approver_user"})
_CODETAG = "glide.ui.security.allow_codetag"


class Rules:
    def __init__(self, settings: ServiceNowSettings, table: Table, dictionary: Dictionary) -> None:
        self._settings = settings
        self._table = table
        self._dictionary = dictionary

    async def findings(self) -> list[Finding]:
        found = [await _told("rights", self._rights())]
        for table in self._settings.tables:
            if table in kind.KINDS:
                found.append(await _told(f"{table} states", self._states(table)))
                found.append(await _told(f"{table} resolving", self._resolving(table)))
        if kind.CHANGE in self._settings.tables:
            found.append(await _told(f"{kind.CHANGE} states", self._change_states()))
        found.append(await _told("webhook", self._webhook()))
        if self._settings.html_notes:
            found.append(await _told("HTML notes", self._codetag()))
        return found

    async def _rights(self) -> Finding:
        where = query.where(("user.user_name", "=", self._settings.actor))
        rows = (await self._table.find("sys_user_has_role", where, ("role.name",), 200)).rows
        roles = {value(row, "role.name") for row in rows}
        if not roles:
            return _fine("rights", "the account's roles can't be read; the first write will tell")
        if too_much := sorted(roles & _TOO_MUCH):
            mend = f"take {', '.join(too_much)} from the account: what runs must be let go by somebody else"
            return _fault("rights", f"the account has the role {', '.join(too_much)}", mend)
        if not roles & _WRITERS:
            return _fault("rights", f"the account has {', '.join(sorted(roles))}", "give the account the role itil")
        return _fine("rights", f"the account has {', '.join(sorted(roles & _WRITERS))}")

    async def _states(self, table: str) -> Finding:
        subject, choices = f"{table} states", await self._dictionary.choices(table, "state")
        if not choices:
            return _fine(subject, "the choices of state can't be read")
        written = {self._writes(table, to).get("state", "") for to in ("acknowledged", "resolved", "reopened")}
        if missing := sorted(written - {"", *choices}):
            there = ", ".join(f"{code} {label}" for code, label in choices.items())
            mend = f"name the states to write in `acknowledge.{table}` and `resolve.{table}`"
            return _fault(subject, f"there is no state {', '.join(missing)}; there are: {there}", mend)
        explained = {str(name): states for name, states in self._settings.states.items()}.get(table, {})
        added = [
            f"{code} {label}"
            for code, label in choices.items()
            if code not in {**explained, **kind.KINDS[table].states}
        ]
        if added:
            told = (
                f"{', '.join(added)}: taken for acknowledged while active, else closed; `states.{table}` can say more"
            )
            return _fine(subject, told)
        return _fine(subject, "each is known")

    async def _change_states(self) -> Finding:
        subject, choices = f"{kind.CHANGE} states", await self._dictionary.choices(kind.CHANGE, "state")
        lifecycle = Lifecycle(self._settings.change_states)
        added = [f"{code} {label}" for code, label in choices.items() if lifecycle.meaning(code) is None]
        if added:
            mend = f"say in `change_states` what {', '.join(added)} stands for: new, assess, authorize, scheduled ..."
            return _fault(subject, f"nothing runs under a change in {', '.join(added)}, and no way leads through", mend)
        return _fine(subject, "each is known" if choices else "the choices of state can't be read")

    async def _resolving(self, table: str) -> Finding:
        """Fields that a data policy demands then, and we would leave empty."""
        subject, writes = f"{table} resolving", self._writes(table, "resolved")
        codes = await self._dictionary.choices(table, "close_code")
        if codes and writes.get("close_code", "") not in {"", *codes}:
            mend = f"set `close_code` to one of: {', '.join(codes)}"
            return _fault(subject, f"{writes['close_code']!r} is no choice of {table}.close_code", mend)
        rules = await self._dictionary.mandatory(table)
        due = {rule.field for rule in rules if writes.get("state") in rule.states}
        if lacking := sorted(due - {name for name, text in writes.items() if text}):
            mend = f"give {', '.join(lacking)} in `resolve.{table}`"
            return _fault(subject, f"mandatory then, and not written by us: {', '.join(lacking)}", mend)
        return _fine(subject, "nothing is mandatory that is not written, as far as data policies can be read")

    async def _webhook(self) -> Finding:
        """Whether it works, only what it brings can tell: the hub watches that."""
        tables = self._settings.tables
        where = query.where(("name", "=", RULE_NAME), ("collection", "IN", ",".join(tables)))
        rows = (await self._table.find("sys_script", where, ("collection", "active"), 50)).rows
        active = {value(row, "collection") for row in rows if value(row, "active") == "true"}
        if asleep := sorted({value(row, "collection") for row in rows} - active):
            return _fault("webhook", f"the Business Rule of {', '.join(asleep)} is not active", "activate it")
        unseen = [table for table in tables if table not in active]
        if unseen:
            told = f"no Business Rule is seen for {', '.join(unseen)}, or the account may not see it"
            return _fine("webhook", told + ". `firstline connect` prints it; without it, polls bring the news")
        return _fine("webhook", f"a Business Rule is active for each of {', '.join(tables)}")

    async def _codetag(self) -> Finding:
        where = query.where(("name", "=", _CODETAG))
        rows = (await self._table.find("sys_properties", where, ("value",), 1)).rows
        if not rows:
            return _fine("HTML notes", f"{_CODETAG} can't be read; look whether a note is shown as it should be")
        if value(rows[0], "value") != "true":
            return _fault(
                "HTML notes", f"{_CODETAG} is false: notes would show their tags", "set `html_notes` to false"
            )
        return _fine("HTML notes", f"{_CODETAG} is true")

    def _writes(self, table: str, to: str) -> dict[str, str]:
        change = StateChange.model_validate({"to": to, "reason": "why"})
        return state.writes(table, change, self._settings)


async def _told(subject: str, look: Awaitable[Finding]) -> Finding:
    try:
        return await look
    except Rejected as error:
        return _fine(subject, f"can't be read by the account: {error}")
    except FirstlineError as error:
        return _fault(subject, str(error), "try again when the instance answers")


def _fine(subject: str, message: str) -> Finding:
    return Finding(ok=True, subject=subject, message=message)


def _fault(subject: str, message: str, mend: str) -> Finding:
    return Finding(ok=False, subject=subject, message=message, mend=mend)
