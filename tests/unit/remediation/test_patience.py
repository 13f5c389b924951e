"""How long a target that is out of reach is tried."""

import pytest

from firstline.errors import Unavailable
from firstline.remediation.run.patience import LONGEST_PAUSE, OutOfReach, patiently

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Target:
    """Refuses so often, then is there."""

    def __init__(self, *refusals: Unavailable) -> None:
        self.refusals = list(refusals)

    async def __call__(self) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        return "there"


async def test_who_can_be_reached_again_is_reached() -> None:
    clock = Clock()
    assert await patiently(Target(Unavailable("down"), Unavailable("down")), 60, clock, clock.sleep) == "there"
    assert clock.waits == [0.05, 0.1]


async def test_the_pauses_grow_up_to_a_limit() -> None:
    clock = Clock()
    await patiently(Target(*[Unavailable("down")] * 12), 60, clock, clock.sleep)
    assert max(clock.waits) == clock.waits[-1] == LONGEST_PAUSE


async def test_who_asks_for_a_wait_is_not_asked_before() -> None:
    clock = Clock()
    await patiently(Target(Unavailable("too many requests", retry_after=20)), 60, clock, clock.sleep)
    assert clock.waits == [20]


async def test_a_wait_beyond_all_patience_is_tried_once_more_at_its_end() -> None:
    clock = Clock()
    assert await patiently(Target(Unavailable("maintenance", retry_after=3600)), 60, clock, clock.sleep) == "there"
    assert clock.now == 60


async def test_when_patience_is_over_it_says_whether_something_may_have_been_done() -> None:
    clock = Clock()
    lost = Unavailable("no answer", perhaps=True)
    with pytest.raises(OutOfReach, match="out of reach for 60 s: down") as raised:
        await patiently(Target(lost, *[Unavailable("down")] * 99), 60, clock, clock.sleep)
    assert raised.value.perhaps


async def test_without_patience_it_is_told_at_once() -> None:
    with pytest.raises(Unavailable, match="down"):
        await patiently(Target(Unavailable("down")), None)
