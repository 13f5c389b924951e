"""Firstline's own change register, for those who have neither ServiceNow nor Jira Service Management."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa

from firstline.connector import (
    Approval,
    ChangeDraft,
    ChangeRegister,
    ChangeState,
    Conflict,
    Evidence,
    Proposal,
    Standing,
)
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.register import change
from firstline.register.conflict import conflicts
from firstline.settings import OWN_REGISTER
from firstline.store import Database

T = TypeVar("T")

KIND = "change"


class OwnRegister(ChangeRegister):
    """`url` is the hub's own, for links. `emergency_first`: an emergency change goes to Implement before its approval,
    which is followed to its end."""

    def __init__(self, database: Database, url: str = "", *, emergency_first: bool = False) -> None:
        self._database = database
        self._url = url
        self._emergency_first = emergency_first

    async def open(self, draft: ChangeDraft) -> Reference:
        return self.reference(await self._database.write(lambda connection: change.open_(connection, draft)))

    async def request(self, reference: Reference, evidence: Evidence) -> None:
        await self._write(reference, lambda connection, number: change.request(connection, number, evidence))

    async def standing(self, reference: Reference) -> Standing:
        number = _number(reference)
        return change.standing(await self._database.read(lambda connection: change.read(connection, number)))

    async def move(self, reference: Reference, to: ChangeState, evidence: Evidence) -> None:
        def moved(connection: sa.Connection, number: int) -> None:
            change.move(connection, number, to, evidence, run_first=self._emergency_first)

        await self._write(reference, moved)

    async def conflicts(self, reference: Reference) -> list[Conflict]:
        """Changes on the same item in the same time that are at work, or were opened before: the first goes first."""
        number = _number(reference)
        return await self._database.read(lambda connection: conflicts(connection, number, self._url))

    async def propose(self, proposal: Proposal) -> Reference:
        raise Rejected(
            f"Firstline's own register takes no proposals; who may govern pre-approves {proposal.name} with "
            "`firstline change pin`"
        )

    async def decided(self, reference: Reference, approval: Approval) -> None:
        """Write down what people answered: `approved` or `refused`, `by` whom. The same again changes nothing. Raises
        `Rejected` where another answer stands, or nobody was asked."""
        await self._write(reference, lambda connection, number: change.decide(connection, number, approval))

    async def reschedule(self, reference: Reference, start: datetime, end: datetime, by: str) -> None:
        """Plan it for another time, as its manager. Raises `Rejected` once it has begun."""
        await self._write(reference, lambda connection, number: change.reschedule(connection, number, start, end, by))

    def reference(self, number: int) -> Reference:
        name = change.name(number)
        return Reference(
            connection=OWN_REGISTER,
            kind=KIND,
            id=name,
            number=name,
            url=f"{self._url}/changes/{name}" if self._url else "",
        )

    async def _write(self, reference: Reference, act: Callable[[sa.Connection, int], T]) -> T:
        number = _number(reference)
        return await self._database.write(lambda connection: act(connection, number))


def _number(reference: Reference) -> int:
    if (reference.connection, reference.kind) != (OWN_REGISTER, KIND):
        raise Rejected(
            f"{reference.kind} {reference.label} in {reference.connection} is not in Firstline's own register"
        )
    return change.counted(reference.id)
