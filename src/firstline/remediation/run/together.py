"""Several things at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def together(act: Callable[[T], Awaitable[None]], of: Iterable[T], many: int) -> None:
    """Act on each, begun in their order, `many` at a time. One that raises does not break the others off: all have
    ended when the first error is raised."""
    slots = asyncio.Semaphore(many)

    async def one(each: T) -> None:
        async with slots:
            await act(each)

    ended = await asyncio.gather(*map(one, of), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
