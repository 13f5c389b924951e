"""Answers to a question. Whoever races, each question is decided once: an answer is given, counted, and what follows
from it begun, in one transaction that holds the question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson
import sqlalchemy as sa

from firstline import access
from firstline.access import Person
from firstline.errors import FirstlineError, Rejected
from firstline.ledger.facet import bind
from firstline.remediation.approval import end
from firstline.remediation.approval.elector import NotCounted, barring, giver
from firstline.remediation.approval.question import Question, State, Vote, locked, told, votes_of
from firstline.remediation.context import Context
from firstline.remediation.timeline import tell
from firstline.store.database import insert
from firstline.store.table import LEDGER, VOTE, VoteRow, now

Verdict = Literal["approved", "refused"]
Way = Literal["api", "portal", "link"]

NOT_COUNTED = "not counted"


@dataclass(frozen=True)
class Answer:
    """`giver`: in whose name; empty: their own, or of whoever delegated to them. `digest`: of the plan they saw; empty:
    the one that is asked about."""

    verdict: Verdict
    person: Person
    way: Way
    comment: str = ""
    giver: str = ""
    digest: str = ""


class Standing(NamedTuple):
    """Where a question stands after an answer: `approved` of the `needed` have let it go."""

    state: State
    approved: int
    needed: int


async def answer(context: Context, approval_id: str, given: Answer) -> Standing:
    """Approve or refuse. The same answer again, by the same person, changes nothing and is no error.

    Raises `NotCounted` for a person whose word does not count, which the ledger keeps; `Rejected` when there is no such
    question, it no longer waits, or its plan is another."""

    def act(connection: sa.Connection) -> Standing | FirstlineError:
        try:
            return give(connection, approval_id, given, now())
        except NotCounted as error:
            _tell_not_counted(connection, approval_id, given, str(error))
            return error

    outcome = await context.database.write(act)
    if isinstance(outcome, FirstlineError):
        raise outcome
    context.wake()
    return outcome


def give(connection: sa.Connection, approval_id: str, given: Answer, moment: datetime) -> Standing:
    """The same, within a transaction."""
    question = locked(connection, approval_id)
    if question is None:
        raise Rejected(f"there is no approval {approval_id}")
    own = _own(question, given)
    if own is not None and own["verdict"] == given.verdict and _holds(question, given.verdict, moment):
        return _standing(connection, question, question.state)
    _check(question, given, moment)
    whose = own["person"] if own is not None else giver(connection, question, given.person, given.giver, moment)
    vote_id = _write(connection, question, whose, given)
    votes = votes_of(connection, question.id)
    mine = next(vote for vote in votes if vote["id"] == vote_id)
    counted = [vote for vote in votes if _counts(connection, question, vote)]
    return _decide(connection, question, given, mine, counted)


def _own(question: Question, given: Answer) -> Vote | None:
    """The answer that this person gave, or that was given in their name: they may still turn it into a refusal."""
    name = given.person.name
    mine = next((vote for vote in question.votes if name in (vote["person"], vote["by"])), None)
    return mine if mine is not None and given.giver in ("", mine["person"]) else None


def _holds(question: Question, verdict: Verdict, moment: datetime) -> bool:
    """Whether what was answered before is still on its way, or was what decided."""
    return question.waits(moment) or question.state == verdict


def _check(question: Question, given: Answer, moment: datetime) -> None:
    if not question.waits(moment):
        raise Rejected(_no_longer(question))
    if given.digest and given.digest != question.plan_digest:
        raise Rejected("the plan that you saw is not the one that is asked about now; look at it again")
    if given.verdict == "refused" and not given.comment.strip():
        raise Rejected("say why: a refusal needs a reason")


def _write(connection: sa.Connection, question: Question, whose: str, given: Answer) -> str:
    """Keep the answer; a refusal takes the place of an approval in the same name."""
    values: dict[str, Any] = {
        "by": given.person.name,
        "way": given.way,
        "verdict": given.verdict,
        "comment": given.comment,
    }
    earlier = next((vote["id"] for vote in question.votes if vote["person"] == whose), "")
    if earlier:
        connection.execute(sa.update(VOTE).where(VOTE.c.id == earlier).values(**values, at=now()))
        return str(earlier)
    row = VoteRow(approval_id=question.id, person=whose, **values)
    insert(connection, row)
    return row.id


def _counts(connection: sa.Connection, question: Question, vote: Vote) -> bool:
    """Whether an approval still counts: who has left or lost the right since lets nothing go."""
    given_by = access.find(connection, vote["by"])
    return vote["verdict"] == "approved" and given_by is not None and not barring(connection, question, vote["person"])


def _decide(
    connection: sa.Connection, question: Question, given: Answer, mine: Vote, counted: Sequence[Vote]
) -> Standing:
    needed = question.asks.count
    if given.verdict == "refused":
        end.refuse(connection, question, mine, given.comment)
        said = f"Refused {question.named}: {given.comment}"
        return _told(connection, question, given, mine, said, Standing("refused", len(counted), needed))
    heard = f" ({len(counted)} of {needed})" if needed > 1 else ""
    said = f"Approved {question.named}{heard}{f': {given.comment}' if given.comment else ''}"
    state: State = "approved" if len(counted) >= needed else "waiting"
    if state == "approved" and not end.approve(connection, question, counted, given.comment):
        raise Rejected("the remediation no longer waits for this plan; nothing was started")
    return _told(connection, question, given, mine, said, Standing(state, len(counted), needed))


def _told(
    connection: sa.Connection, question: Question, given: Answer, mine: Vote, said: str, standing: Standing
) -> Standing:
    rows = bind(connection, "vote", mine["id"]) | bind(connection, "approval", question.id)
    facts: dict[str, Any] = {"approval": question.id, "plan": question.plan_digest, "way": given.way}
    if mine["person"] != mine["by"]:
        facts["in the name of"] = mine["person"]
        said = f"{said} (in the name of {mine['person']})"
    tell(connection, question.remediation_id, given.verdict, said, given.person.name, facts=facts, rows=rows)
    return standing


def _standing(connection: sa.Connection, question: Question, state: State) -> Standing:
    counted = sum(_counts(connection, question, vote) for vote in question.votes)
    return Standing(state, counted, question.asks.count)


def _tell_not_counted(connection: sa.Connection, approval_id: str, given: Answer, why: str) -> None:
    """Once for each person and question: whoever tries again and again fills no ledger."""
    question = locked(connection, approval_id)
    if question is None or _is_told(connection, question, given.person.name):
        return
    facts: dict[str, Any] = {"approval": approval_id, "verdict": given.verdict, "way": given.way}
    said = f"The word of {given.person.name} does not count: {why}"
    tell(connection, question.remediation_id, NOT_COUNTED, said, given.person.name, facts=facts)


def _is_told(connection: sa.Connection, question: Question, name: str) -> bool:
    entries = connection.execute(sa.select(LEDGER.c.entry).where(LEDGER.c.subject == question.remediation_id)).scalars()
    known = ((one["act"], one["by"], one["facts"].get("approval")) for one in map(orjson.loads, entries))
    return (NOT_COUNTED, name, question.id) in known


def _no_longer(question: Question) -> str:
    if question.state == "waiting":
        return f"it expired at {question.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    by = f" by {question.decided_by}" if question.decided_by else ""
    return f"it was {question.state} already{by}" if question.state != "void" else "it is void: the plan has changed"


__all__ = ["Answer", "NotCounted", "Standing", "Verdict", "Way", "answer", "give", "told"]
