"""Whose word counts for a question."""

from datetime import datetime

import sqlalchemy as sa

from firstline import access
from firstline.access import Person, Right
from firstline.errors import FirstlineError
from firstline.remediation.approval.question import Question
from firstline.remediation.eyes import identity


class NotCounted(FirstlineError):
    """Somebody answered whose word does not count. The message says why."""


def barring(connection: sa.Connection, question: Question, name: str, person: Person | None = None) -> str:
    """Why a person's word does not count; empty: it does. `person`: as they signed in, which may allow less than they
    have."""
    known = person or access.find(connection, name)
    if known is None:
        return f"{name} is nobody here, or off"
    if not known.may(Right.APPROVE, pack=question.pack, environment=question.environment):
        return f"{name} may not approve for {question.pack or 'this pack'} in {question.environment}"
    if question.asks.by and not access.is_one_of(connection, name, question.asks.by):
        return f"{name} is none of those who are asked: {', '.join(question.asks.by)}"
    return question.barred.reason(identity(connection, name))


def electors(connection: sa.Connection, question: Question) -> list[str]:
    """Everybody whose word counts, by name."""
    able = access.who_may(connection, Right.APPROVE, question.pack, question.environment)
    return [name for name in able if not barring(connection, question, name)]


def giver(connection: sa.Connection, question: Question, person: Person, wanted: str, moment: datetime) -> str:
    """Whose word a person gives: their own if it counts, else that of somebody who delegated to them (`wanted`: that of
    this one). Raises `NotCounted`."""
    asked = [wanted] if wanted else [person.name, *sorted(access.delegated_to(connection, person.name, moment))]
    reasons = [_reason(connection, question, name, person, moment) for name in asked]
    if "" not in reasons:
        raise NotCounted(reasons[0])
    return asked[reasons.index("")]


def _reason(connection: sa.Connection, question: Question, name: str, person: Person, moment: datetime) -> str:
    answered = _answered(question)
    if person.name in answered:
        return f"{person.name} has answered already; nobody counts twice"
    if name == person.name:
        return barring(connection, question, name, person)
    if name not in access.delegated_to(connection, person.name, moment):
        return f"{name} has not delegated to {person.name}"
    if person.limits is not None and Right.APPROVE not in person.limits:
        return f"{person.name}'s token is not for approvals"
    if name in answered:
        return f"{name} has answered already; nobody counts twice"
    # Four eyes hold for both: whoever is barred answers for nobody.
    return question.barred.reason(identity(connection, person.name)) or barring(connection, question, name)


def _answered(question: Question) -> set[str]:
    return {name for vote in question.votes for name in (vote["person"], vote["by"])}
