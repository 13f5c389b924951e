"""What waits for somebody, and how a question looks to them."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from firstline import access
from firstline.access import Person, Right
from firstline.remediation.approval.elector import NotCounted, electors, giver
from firstline.remediation.approval.question import Question, find
from firstline.remediation.plan import Asks
from firstline.store.table import APPROVAL, REMEDIATION

SCANNED = 500  # questions that are looked at for one page

_JOINED = APPROVAL.join(REMEDIATION, REMEDIATION.c.id == APPROVAL.c.remediation_id)


class View(NamedTuple):
    """A question as one person sees it. `electors`: whose word counts; `giver`: in whose name theirs would be given;
    `reason`: why it would not count, empty where it would."""

    question: Question
    electors: list[str]
    giver: str
    reason: str


class Waiting(NamedTuple):
    """Questions that wait for a person, newest first; `next`: where to look on, empty at the end."""

    questions: list[Question]
    next: str


def look(connection: sa.Connection, approval_id: str, person: Person, moment: datetime) -> View | None:
    """None where there is no such question, or it is not for this person to see."""
    question = find(connection, approval_id)
    if question is None or not _may_look(connection, question, person, moment):
        return None
    whose, reason = "", ""
    try:
        whose = giver(connection, question, person, "", moment)
    except NotCounted as error:
        reason = str(error)
    return View(question, electors(connection, question), whose, reason)


def waiting(connection: sa.Connection, person: Person, limit: int, before: str, moment: datetime) -> Waiting:
    """What the person may answer now, in their own name or another's."""
    found: list[Question] = []
    ids = _asked_of(connection, person, before, moment)
    for number, id_ in enumerate(ids):
        if len(found) == limit or number == SCANNED:
            return Waiting(found, ids[number - 1])
        question = find(connection, id_)
        if question is not None and _counts(connection, question, person, moment):
            found.append(question)
    return Waiting(found, "")


def _counts(connection: sa.Connection, question: Question, person: Person, moment: datetime) -> bool:
    try:
        return bool(giver(connection, question, person, "", moment))
    except NotCounted:
        return False


def _asked_of(connection: sa.Connection, person: Person, before: str, moment: datetime) -> list[str]:
    """Questions that wait and are asked of the person, or of who delegated to them; four eyes are not looked at yet."""
    live = [APPROVAL.c.state == "waiting", APPROVAL.c.expires_at > moment, REMEDIATION.c.stage != "ended"]
    kinds = sa.select(APPROVAL.c.asks, REMEDIATION.c.pack, REMEDIATION.c.environment).select_from(_JOINED)
    theirs = _names(connection, person, moment)
    asked = [
        sa.and_(
            APPROVAL.c.asks == row.asks, REMEDIATION.c.pack == row.pack, REMEDIATION.c.environment == row.environment
        )
        for row in connection.execute(kinds.where(*live).distinct())
        if any(_is_asked(connection, name, may, row) for name, may in theirs)
    ]
    query = sa.select(APPROVAL.c.id).select_from(_JOINED).where(*live, sa.or_(sa.false(), *asked))
    if before:
        query = query.where(APPROVAL.c.id < before)
    return list(connection.execute(query.order_by(APPROVAL.c.id.desc()).limit(SCANNED + 1)).scalars())


def _names(connection: sa.Connection, person: Person, moment: datetime) -> list[tuple[str, Person]]:
    givers = ((name, access.find(connection, name)) for name in access.delegated_to(connection, person.name, moment))
    return [(person.name, person), *((name, found) for name, found in givers if found is not None)]


def _is_asked(connection: sa.Connection, name: str, person: Person, row: Any) -> bool:
    by = Asks.model_validate(row.asks or {}).by
    may = person.may(Right.APPROVE, pack=row.pack, environment=row.environment)
    return may and (not by or access.is_one_of(connection, name, by))


def _may_look(connection: sa.Connection, question: Question, person: Person, moment: datetime) -> bool:
    """Who may see or approve there, and who may answer for somebody who may."""
    where = {"pack": question.pack, "environment": question.environment}
    if person.may(Right.SEE, **where):
        return True
    return any(may.may(Right.APPROVE, **where) for _, may in _names(connection, person, moment))
