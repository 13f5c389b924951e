"""Faults of webhooks."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from firstline.chaos import Faults, HookChaos

pytestmark = pytest.mark.anyio


class Sender:
    def __init__(self) -> None:
        self.sent: list[str] = []
        self.grew = asyncio.Condition()

    def of(self, name: str) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            async with self.grew:
                self.sent.append(name)
                self.grew.notify_all()

        return send

    async def has(self, count: int) -> list[str]:
        async with asyncio.timeout(20), self.grew:
            await self.grew.wait_for(lambda: len(self.sent) >= count)
        return self.sent


async def test_without_a_fault_it_is_sent_once() -> None:
    sender = Sender()
    await HookChaos(Faults({})).deliver("INC1", sender.of("a"))
    assert sender.sent == ["a"]


async def test_a_lost_one_is_never_sent() -> None:
    sender, chaos = Sender(), HookChaos(Faults({"hook_lost": 1}))
    await chaos.deliver("INC1", sender.of("a"))
    assert (sender.sent, chaos.waiting) == ([], 0)


async def test_a_duplicate_is_sent_twice() -> None:
    sender = Sender()
    await HookChaos(Faults({"hook_duplicate": 1})).deliver("INC1", sender.of("a"))
    assert sender.sent == ["a", "a"]


async def test_a_delayed_one_holds_up_nobody_and_comes_after_all() -> None:
    sender, chaos = Sender(), HookChaos(Faults({"hook_delay": 1, "hook_delay_seconds": 0}))
    await chaos.deliver("INC1", sender.of("a"))
    assert (sender.sent, chaos.waiting) == ([], 1)
    assert await sender.has(1) == ["a"]


async def test_a_reordered_one_comes_behind_the_next_about_its_record() -> None:
    sender, faults = Sender(), Faults({"hook_reorder": 1, "hook_delay_seconds": 3600})
    chaos = HookChaos(faults)
    await chaos.deliver("INC1", sender.of("first"))
    faults.change({"hook_delay_seconds": 3600})
    await chaos.deliver("INC2", sender.of("of another"))
    assert chaos.waiting == 1
    await chaos.deliver("INC1", sender.of("second"))
    assert await sender.has(3) == ["of another", "second", "first"]


async def test_a_reordered_one_without_a_next_comes_all_the_same() -> None:
    sender, chaos = Sender(), HookChaos(Faults({"hook_reorder": 1, "hook_delay_seconds": 0}))
    await chaos.deliver("INC1", sender.of("a"))
    assert await sender.has(1) == ["a"]


async def test_what_is_held_back_is_forgotten_at_the_end() -> None:
    sender, chaos = Sender(), HookChaos(Faults({"hook_delay": 1, "hook_delay_seconds": 3600}))
    await chaos.deliver("INC1", sender.of("a"))
    await chaos.aclose()
    assert (sender.sent, chaos.waiting) == ([], 0)
