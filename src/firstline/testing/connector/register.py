"""The suite of connectors that keep changes."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firstline.connector import (
    ChangeDraft,
    ChangeRegister,
    Connector,
    Evidence,
    Standing,
)
from firstline.errors import Rejected
from firstline.incident import Reference
from firstline.testing.connector.basis import Loopback

BEGINS = Evidence(notes="Firstline begins.")


class ChangeRegisterContract(ABC):
    """For connectors that keep changes. Mix it in beside `ConnectorContract`."""

    pytestmark = pytest.mark.anyio

    @abstractmethod
    def register(self, base_url: str) -> ChangeRegister:
        """As `ConnectorContract.connector`."""

    @abstractmethod
    def sandbox(self) -> Any: ...

    @abstractmethod
    def draft(self) -> ChangeDraft:
        """A standard change, or what comes nearest, that needs nobody's approval; with planned times."""

    @abstractmethod
    def normal(self) -> ChangeDraft:
        """A change that somebody has to approve; with planned times."""

    @abstractmethod
    async def decide(self, base_url: str, change: Reference, *, approved: bool) -> str:
        """As a person, in the vendor's own tool: approve the change, or refuse it. Return a name by which `accounts`
        has to name that person."""

    @abstractmethod
    async def reschedule(self, base_url: str, change: Reference, start: datetime, end: datetime) -> None:
        """As the change's manager, in the vendor's own tool: move its planned times."""

    @pytest.fixture
    def place(self, loopback: Loopback) -> str:
        return loopback(self.sandbox())

    @pytest.fixture
    async def kept(self, place: str) -> AsyncIterator[ChangeRegister]:
        register = self.register(place)
        yield register
        if isinstance(register, Connector):
            await register.aclose()

    async def test_the_same_draft_opens_one_change(self, kept: ChangeRegister) -> None:
        references = [await kept.open(self.draft()) for _ in range(2)]
        assert references[0].id == references[1].id

    async def test_another_key_opens_another_change(self, kept: ChangeRegister) -> None:
        first = await kept.open(self.draft())
        second = await kept.open(self.draft().model_copy(update={"key": "another-key"}))
        assert first.id != second.id

    async def test_a_change_goes_to_implement_and_closes_with_its_result(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.draft())
        now = datetime.now(UTC)
        done = Evidence(notes="It answers again.", result="successful", work_start=now, work_end=now)
        for _ in range(2):  # the second finds it there
            await kept.move(change, "implement", BEGINS)
        assert (await kept.standing(change)).state == "implement"
        for _ in range(2):
            await kept.move(change, "closed", done)
        standing = await kept.standing(change)
        assert (standing.state, standing.approval.state in ("not_required", "approved")) == ("closed", True)

    async def test_a_closed_change_does_not_go_back_to_implement(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.draft())
        await kept.move(change, "implement", Evidence())
        await kept.move(change, "closed", Evidence(notes="n", result="unsuccessful"))
        with pytest.raises(Rejected):
            await kept.move(change, "implement", Evidence())

    async def test_a_change_that_needs_nobodys_approval_is_not_asked_for(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.draft())
        before = await kept.standing(change)
        assert before.approval.state in ("not_required", "approved")
        await kept.request(change, BEGINS)
        assert await kept.standing(change) == before

    async def test_a_change_is_asked_for_once_and_waits(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.normal())
        await kept.request(change, BEGINS)
        asked = await kept.standing(change)
        assert (asked.approval.state, asked.approval.accounts) == ("waiting", ())
        assert asked.state in ("new", "assess", "authorize")
        await kept.request(change, BEGINS)
        assert await kept.standing(change) == asked

    async def test_a_change_that_waits_is_not_moved_by_us(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.normal())
        await kept.request(change, BEGINS)
        with pytest.raises(Rejected):
            await kept.move(change, "implement", BEGINS)
        assert (await kept.standing(change)).approval.state == "waiting"

    async def test_an_approval_that_a_person_gave_lets_it_go(self, kept: ChangeRegister, place: str) -> None:
        change = await kept.open(self.normal())
        await kept.request(change, BEGINS)
        account = await self.decide(place, change, approved=True)
        standing = await kept.standing(change)
        assert (standing.approval.state, bool(standing.approval.by)) == ("approved", True)
        assert account in standing.approval.accounts
        await kept.request(change, BEGINS)  # decided already
        assert await kept.standing(change) == standing
        await kept.move(change, "implement", BEGINS)
        assert (await kept.standing(change)).state == "implement"

    async def test_a_refusal_that_a_person_gave_stays(self, kept: ChangeRegister, place: str) -> None:
        change = await kept.open(self.normal())
        await kept.request(change, BEGINS)
        account = await self.decide(place, change, approved=False)
        await kept.request(change, BEGINS)
        with pytest.raises(Rejected):
            await kept.move(change, "implement", BEGINS)
        approval = (await kept.standing(change)).approval
        assert (approval.state, account in approval.accounts) == ("refused", True)

    async def test_the_planned_times_are_those_of_the_draft_until_its_manager_moves_them(
        self, kept: ChangeRegister, place: str
    ) -> None:
        draft = self.normal()
        change = await kept.open(draft)
        assert planned(await kept.standing(change)) == whole(draft.planned_start, draft.planned_end)
        start = datetime.now(UTC) + timedelta(days=2)
        await self.reschedule(place, change, start, start + timedelta(hours=1))
        assert planned(await kept.standing(change)) == whole(start, start + timedelta(hours=1))

    async def test_a_change_that_is_filed_after_the_work_is_opened_like_any_other(self, kept: ChangeRegister) -> None:
        late = self.draft().model_copy(update={"late": True, "risk": "low"})
        assert (await kept.open(late)).id == (await kept.open(late)).id

    async def test_no_blackout_is_told_of_that_does_not_touch_the_time_asked_for(self, kept: ChangeRegister) -> None:
        since = datetime.now(UTC)
        until = since + timedelta(days=7)
        told = await kept.blackouts(since, until)
        assert [window for window in told if not (window.start < until and window.end > since)] == []


def planned(standing: Standing) -> tuple[datetime | None, datetime | None]:
    return whole(standing.planned_start, standing.planned_end)


def whole(start: datetime | None, end: datetime | None) -> tuple[datetime | None, datetime | None]:
    """To the second: not all vendors keep more."""
    return start and start.replace(microsecond=0), end and end.replace(microsecond=0)
