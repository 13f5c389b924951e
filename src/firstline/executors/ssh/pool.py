"""Connections that are kept open and shared: one for each account on a host, with one agent; one for each jump host."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import asyncssh

from firstline.errors import Unavailable
from firstline.executors.ssh.connection import Connector
from firstline.executors.ssh.host import Host
from firstline.executors.ssh.program import agent, command
from firstline.executors.ssh.session import Session
from firstline.executors.ssh.settings import SshSettings

HANDSHAKES = 32  # at a time: more would only make each of them late
DAY = 86_400.0

T = TypeVar("T")


class Shared(Generic[T]):
    """Opens each thing once, whoever asks, as long as it lives."""

    def __init__(self, lives: Callable[[T], bool]) -> None:
        self._lives = lives
        self._openings: dict[Hashable, asyncio.Task[T]] = {}

    async def get(self, key: Hashable, opening: Callable[[], Awaitable[T]]) -> T:
        if key not in self._openings or self._is_over(self._openings[key]):
            self._openings[key] = asyncio.ensure_future(self._open(opening))
            self._openings[key].add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._openings[key])  # who stops waiting does not spoil it for the others

    async def _open(self, opening: Callable[[], Awaitable[T]]) -> T:
        return await opening()

    def _is_over(self, task: asyncio.Task[T]) -> bool:
        return task.done() and (task.cancelled() or task.exception() is not None or not self._lives(task.result()))

    def open(self) -> list[T]:
        """Those that live; the others are forgotten."""
        self._openings = {key: task for key, task in self._openings.items() if not self._is_over(task)}
        return [task.result() for task in self._openings.values() if task.done()]

    @property
    def number(self) -> int:
        """Of those that live or are just being opened."""
        self.open()
        return len(self._openings)

    async def aclose(self) -> list[T]:
        """Opens no more; returns those that live."""
        opening = [task for task in self._openings.values() if not task.done()]
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        return self.open()


class Pool:
    """Of one event loop, which is that of who first asks."""

    def __init__(self, settings: SshSettings) -> None:
        self.connector = Connector(settings)
        self._settings = settings
        self._jumps: Shared[asyncssh.SSHClientConnection] = Shared(lambda connection: not connection.is_closed())
        self._sessions: Shared[Session] = Shared(lambda session: session.alive)
        self._handshakes = asyncio.Semaphore(HANDSHAKES)
        self._timer: asyncio.TimerHandle | None = None

    async def session(self, host: Host) -> Session:
        """An agent there. Raises `Rejected`, `Unavailable`."""
        return await self._sessions.get(host, lambda: self._begin(host))

    async def aclose(self) -> None:
        if self._timer:
            self._timer.cancel()
        connections = [session.connection for session in await self._sessions.aclose()]
        for session in self._sessions.open():
            session.close()
        for connection in await self._jumps.aclose():
            connection.close()
            connections.append(connection)
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    async def _begin(self, host: Host) -> Session:
        self._make_room()
        tunnel = await self._through(host.jump)
        settings = self._settings
        async with self._handshakes:
            session = Session(host, await self.connector.open(host, tunnel))
            try:
                await session.begin(
                    command(host.python, host.become, asks=bool(settings.become_password)),
                    agent(settings.remote_directory, settings.keep * DAY),
                    settings.become_password,
                    settings.connect_timeout,
                )
            except BaseException:
                session.close()
                raise
        self._attend()
        return session

    async def _through(self, jumps: tuple[Host, ...]) -> asyncssh.SSHClientConnection | None:
        if not jumps:
            return None

        async def open_last() -> asyncssh.SSHClientConnection:
            tunnel = await self._through(jumps[:-1])
            async with self._handshakes:
                return await self.connector.open(jumps[-1], tunnel)

        return await self._jumps.get(jumps, open_last)

    def _make_room(self) -> None:
        """Where too many are open, close the one that was idle longest. Raises `Unavailable` when all are at work."""
        if self._sessions.number <= self._settings.connections:
            return
        idle = sorted((each for each in self._sessions.open() if not each.busy), key=lambda each: each.used)
        if not idle:
            raise Unavailable(f"{self._settings.connections} connections are open and at work (settings: connections)")
        idle[0].close()

    def _attend(self) -> None:
        """Close what was idle for long, and look again while there is something to look at."""
        if self._timer:
            self._timer.cancel()
        before = time.monotonic() - self._settings.idle
        for session in self._sessions.open():
            if not session.busy and session.used <= before:
                session.close()
        if self._sessions.number:
            self._timer = asyncio.get_running_loop().call_later(self._settings.idle / 2, self._attend)
