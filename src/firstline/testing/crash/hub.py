"""Hubs in small, to be killed. One process imports what they need, and is forked for each: a round costs no start.

Argument: `module:function` that makes an executor of a folder. Each line of standard input begins a hub: a JSON object
with `place` and `step`. What a hub has come to, it writes to `place/words`, a line each; it goes on from `ready` when
`place/go` is there, and watches when `place/look` is.
"""

import asyncio
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from firstline.errors import Unavailable, Unknown
from firstline.executor import Executor, Handle, Progress, Step

T = TypeVar("T")
AGAIN = 0.01  # seconds

Factory = Callable[[Path], Executor[Any]]


def load(factory: str) -> Factory:
    module, _, function = factory.partition(":")
    found: Factory = getattr(importlib.import_module(module), function)
    return found


async def patient(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until it is not unavailable."""
    while True:
        try:
            return await ask()
        except Unavailable:
            await asyncio.sleep(AGAIN)


async def end_of(executor: Executor[Any], handle: Handle) -> Progress:
    """Watch as the hub does, with patience, until it has ended."""
    progress = await patient(lambda: executor.watch(handle))
    while not progress.state.ended:
        await executor.wait(handle, AGAIN)
        progress = await patient(partial(executor.watch, handle, progress.offset))
    return progress


class Hub:
    def __init__(self, place: Path) -> None:
        self._place = place

    def say(self, *words: str) -> None:
        with (self._place / "words").open("a") as file:
            file.write(" ".join(words).replace("\n", " | ") + "\n")

    async def work(self, executor: Executor[Any], step: Step) -> None:
        self.say("ready", str(os.getpid()))
        await self._there("go")
        self.say("starting")
        try:
            handle = await patient(lambda: executor.start(step))
            self.say("started", handle.model_dump_json())
            await self._there("look")
            progress = await end_of(executor, handle)
        except Unknown as error:
            self.say("ended unknown", str(error))
        else:
            self.say("ended", progress.state, progress.detail)

    async def _there(self, name: str) -> None:
        while not (self._place / name).exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(AGAIN / 5)


def main() -> None:
    make = load(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps hubs
    for line in iter(sys.stdin.readline, ""):
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _serve(make, json.loads(line))


def _serve(make: Factory, request: dict[str, Any]) -> NoReturn:
    place = Path(request["place"])
    hub = Hub(place)
    try:
        os.setsid()
        asyncio.run(hub.work(make(place), Step.model_validate(request["step"])))
    except BaseException:  # noqa: BLE001 - it is told, and fails the test
        hub.say("failed", traceback.format_exc())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
