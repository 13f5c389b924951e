"""The suite of connectors that keep changes."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from firstline.connector import (
    ChangeDraft,
    ChangeRegister,
    Connector,
    Evidence,
)
from firstline.errors import Rejected
from firstline.testing.connector.basis import Loopback


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
        """A standard change, or what comes nearest, that needs nobody's approval."""

    @pytest.fixture
    async def kept(self, loopback: Loopback) -> AsyncIterator[ChangeRegister]:
        register = self.register(loopback(self.sandbox()))
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
            await kept.move(change, "implement", Evidence())
        for _ in range(2):
            await kept.move(change, "closed", done)
        assert (await kept.standing(change)).approval.state in ("not_required", "approved")

    async def test_a_closed_change_does_not_go_back_to_implement(self, kept: ChangeRegister) -> None:
        change = await kept.open(self.draft())
        await kept.move(change, "implement", Evidence())
        await kept.move(change, "closed", Evidence(notes="n", result="unsuccessful"))
        with pytest.raises(Rejected):
            await kept.move(change, "implement", Evidence())
