"""Tells people that a question waits for them: rows of the outbox, made with the question and sent to where each person
wants to be told (`fl_person.contact`). The link to answer is signed when it is sent and kept nowhere."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from firstline import access
from firstline.access import Right
from firstline.incident import Incident, Reference
from firstline.remediation.eyes import Identity, actors_of, barred, identity_of
from firstline.remediation.plan import Plan
from firstline.store.table import DELEGATION, PERSON, ApprovalRow, WriteBackRow, now

NOTIFICATION = "notification"
MAIL, WEB = "@mail", "@web"  # in the place of a connection's name: none can be called so
_WAYS = {"mailto:": MAIL, "https://": WEB, "http://": WEB}


class Notification(BaseModel):
    """Body of a row of the outbox: who is told of which question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approval_id: str
    person: str


@dataclass(frozen=True)
class Asking:
    """A question that is asked now. `event_id`: of the row of the event that began its remediation."""

    approval: ApprovalRow
    plan: Plan
    incident: Incident
    event_id: str


def notifications(connection: sa.Connection, asked: Collection[Asking]) -> Iterator[WriteBackRow]:
    """A row for each question and each person who may answer it, themselves or for somebody who delegated to them, and
    who wants to be told."""
    people = _People(connection) if asked else None
    if people is None or not people.contacts:
        return
    actors = actors_of(connection, {each.event_id for each in asked})
    for each in asked:
        for name in people.who(each, actors.get(each.event_id, "")):
            yield _row(each.approval, name, people.contacts[name])


def way(contact: str) -> str:
    """How a contact is reached: `@mail` or `@web`; empty: not at all."""
    return next((way for scheme, way in _WAYS.items() if contact.startswith(scheme)), "")


class _People:
    """The people as they are now, asked of the database once for many questions."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        rows = connection.execute(sa.select(PERSON).where(PERSON.c.off_at.is_(None))).mappings().all()
        self._identities = {row["name"]: identity_of(row) for row in rows}
        self.contacts = {row["name"]: row["contact"] for row in rows if way(row["contact"])}
        self._able: dict[tuple[tuple[str, ...], str, str], list[Identity]] = {}
        self._takers = _takers(connection) if self.contacts else {}

    def who(self, asking: Asking, actor: str) -> Iterator[str]:
        rules = barred(asking.plan, asking.incident, actor)
        givers = [one.name for one in self._asked(asking.plan) if not rules.reason(one)]
        takers = {taker for name in givers for taker in self._takers.get(name, ())}
        for name in sorted({*givers, *takers} & self.contacts.keys()):
            if not rules.reason(self._identities[name]):
                yield name

    def _asked(self, plan: Plan) -> list[Identity]:
        """Who has the right and is among those who are asked."""
        key = (plan.asks.by, plan.pack, plan.environment)
        if key not in self._able:
            able = access.who_may(self._connection, Right.APPROVE, plan.pack, plan.environment)
            named = [
                name for name in able if not plan.asks.by or access.is_one_of(self._connection, name, plan.asks.by)
            ]
            self._able[key] = [self._identities[name] for name in named]
        return self._able[key]


def _takers(connection: sa.Connection) -> Mapping[str, set[str]]:
    """Who may answer now for whom, by who gave it."""
    live = (DELEGATION.c.since <= now(), DELEGATION.c.until > now())
    found: dict[str, set[str]] = {}
    for row in connection.execute(sa.select(DELEGATION.c.giver, DELEGATION.c.taker).where(*live)):
        found.setdefault(row.giver, set()).add(row.taker)
    return found


def _row(approval: ApprovalRow, name: str, contact: str) -> WriteBackRow:
    how = way(contact)
    reference = Reference(connection=how, kind="person", id=name)
    return WriteBackRow(
        remediation_id=approval.remediation_id,
        connection=how,
        record=f"person:{name}",
        key=f"{approval.id}.{NOTIFICATION}.{name}",
        act=NOTIFICATION,
        reference=reference.model_dump(mode="json"),
        body=Notification(approval_id=approval.id, person=name).model_dump(mode="json"),
    )
