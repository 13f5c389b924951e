"""Four eyes: who asked for a remediation, and who wrote or last edited its runbook, never lets it go."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from firstline.connector import Approval
from firstline.incident import Incident
from firstline.ledger.entry import HUB
from firstline.remediation.plan import Plan
from firstline.store.table import EVENT, PERSON

# Where vendors' records name whom a ticket is from. `Incident.caller` is only what people read.
_OPENERS = ("caller_id", "opened_by", "opened_for", "requested_by", "sys_created_by", "reporter", "creator")

_OWN = (
    "user",
    "email",
    "from_email",
    "own_user",
    "own_user_id",
    "own_account_id",
)  # as connectors name them in their settings


@dataclass(frozen=True)
class Identity:
    """All that somebody is called. `accounts` by connection."""

    name: str
    email: str = ""
    accounts: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()  # what a vendor called them when they answered there

    @property
    def everywhere(self) -> set[str]:
        return _folded((self.name, self.email, *self.accounts.values(), *self.others))

    def at(self, connection: str) -> set[str]:
        return _folded((self.name, self.email, self.accounts.get(connection, ""), *self.others))


@dataclass(frozen=True)
class Barred:
    """Whose word does not count for a plan, by what they are called."""

    connection: str  # where the ticket is
    requesters: frozenset[str]
    authors: frozenset[str]
    editors: frozenset[str]

    def reason(self, who: Identity) -> str:
        """Why this person's word does not count; empty: it may."""
        if who.name == HUB:
            return "the hub never approves what it does itself"
        if self.requesters & who.at(self.connection):
            return f"{who.name} asked for it: the ticket, or the event that began it, is theirs"
        if self.authors & who.everywhere:
            return f"{who.name} is an author of the runbook"
        if self.editors & who.everywhere:
            return f"{who.name} edited the runbook last"
        return ""


def barred(plan: Plan, incident: Incident, actor: str = "") -> Barred:
    """`actor`: who did what the event tells, as the vendor names them."""
    named = {key: value for key, value in incident.data.items() if key in _OPENERS}
    fields = incident.data.get("fields")
    if isinstance(fields, Mapping):
        named |= {f"fields.{key}": value for key, value in fields.items() if key in _OPENERS}
    return Barred(
        connection=incident.reference.connection,
        requesters=frozenset(_folded((incident.caller, actor, *_texts(named.values())))),
        authors=frozenset(_folded(plan.runbook.authors)),
        editors=frozenset(_folded(plan.editors)),
    )


def excluded(
    connection: sa.Connection,
    plan: Plan,
    incident: Incident,
    person: str,
    accounts: Sequence[str] = (),
    *,
    actor: str = "",
) -> str:
    """Why a person's word does not count for a plan; empty: it may. `accounts`: what a vendor calls them, where they
    answered there; `person` may then be unknown here."""
    return barred(plan, incident, actor).reason(identity(connection, person, accounts))


def uncounted(
    connection: sa.Connection,
    plan: Plan,
    incident: Incident,
    register: str,
    approval: Approval,
    *,
    actor: str = "",
    own: Collection[str] = (),
) -> str:
    """Why nobody of those who approved a change at its register counts; empty: somebody does. `accounts` of the
    approval is one list for all of them, so in doubt nobody does. `own`: what the hub itself is called there."""
    rules, people, ours = barred(plan, incident, actor), _people(connection), _folded(own)
    reasons: dict[str, str] = {}
    for account in approval.accounts or approval.by:
        hub = account.strip().casefold() in ours
        who = Identity(HUB) if hub else _owner(people, register, account)
        why = rules.reason(who)
        if why:
            reasons[who.name] = why
    # One approver has several accounts: so many barred names as there are approvers leave nobody for certain.
    return "; ".join(reasons.values()) if len(reasons) >= max(1, len(approval.by)) else ""


def own_accounts(settings: BaseModel) -> set[str]:
    """What the hub is called at a connection, by the settings it signs in with."""
    return {str(value) for name, value in settings.model_dump().items() if name in _OWN and isinstance(value, str)}


def actor_of(connection: sa.Connection, event_row: str) -> str:
    """Who did what began a remediation (`fl_remediation.event_id`), as the vendor names them; empty: none is named."""
    return actors_of(connection, [event_row]).get(event_row, "")


def actors_of(connection: sa.Connection, event_rows: Collection[str]) -> dict[str, str]:
    query = sa.select(EVENT.c.id, EVENT.c.event).where(EVENT.c.id.in_(event_rows))
    return {row.id: str(row.event.get("actor", "")) for row in connection.execute(query)}


def identity(connection: sa.Connection, person: str, accounts: Sequence[str] = ()) -> Identity:
    row = connection.execute(sa.select(PERSON).where(PERSON.c.name == person)).mappings().first()
    known = identity_of(row) if row is not None else Identity(person)
    return Identity(known.name, known.email, known.accounts, frozenset(accounts))


def identity_of(row: Mapping[str, Any] | sa.RowMapping) -> Identity:
    """From a row of `fl_person`."""
    return Identity(row["name"], row["email"], row["accounts"] or {})


def _people(connection: sa.Connection) -> list[Identity]:
    return [identity_of(row) for row in connection.execute(sa.select(PERSON)).mappings()]


def _owner(people: Iterable[Identity], register: str, account: str) -> Identity:
    """Whose account it is there; else somebody who is called nothing but that."""
    folded = account.strip().casefold()
    known = (one for one in people if folded in _folded((one.email, one.accounts.get(register, ""))))
    return next(known, Identity(account, others=frozenset({account})))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _texts(value.values())
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)


def _folded(names: Iterable[str]) -> set[str]:
    return {name.strip().casefold() for name in names} - {""}
