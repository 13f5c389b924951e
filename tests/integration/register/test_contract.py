"""The suite that every change register passes, for the hub's own."""

from datetime import datetime
from typing import Any

import pytest
from tests.integration.register.conftest import normal, standard

from firstline.connector import Approval, ChangeDraft, ChangeRegister
from firstline.incident import Reference
from firstline.register import OwnRegister
from firstline.testing.connector import ChangeRegisterContract


class TestTheHubKeepsChanges(ChangeRegisterContract):
    @pytest.fixture(autouse=True)
    def _own(self, register: OwnRegister) -> None:
        self.own = register

    @pytest.fixture
    def place(self) -> str:
        """Its database: nothing is asked over a network."""
        return ""

    def register(self, base_url: str) -> ChangeRegister:
        return self.own

    def sandbox(self) -> Any:
        raise AssertionError("the hub's own register has no vendor")

    def draft(self) -> ChangeDraft:
        return standard()

    def normal(self) -> ChangeDraft:
        return normal("firstline-2")

    async def decide(self, base_url: str, change: Reference, *, approved: bool) -> str:
        await self.own.decided(change, Approval(state="approved" if approved else "refused", by=("ann",)))
        return "ann"

    async def reschedule(self, base_url: str, change: Reference, start: datetime, end: datetime) -> None:
        await self.own.reschedule(change, start, end, "ann")
