"""The hub's end of one agent: requests go out and answers come back in any order, over one channel."""

import asyncio
import json
import time
from itertools import count
from typing import Any

import asyncssh

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executors.ssh.agent.main import HELLO
from firstline.executors.ssh.host import Host
from firstline.executors.ssh.program import PROMPT, READY, TOO_OLD

WORDS = 1000  # characters of what a host says in vain that are kept
ANSWER = 60.0  # seconds an agent has to answer, beside the time that what it is asked may take
# Exit statuses of a shell or of sudo that will be the same next time: something else ran, refused, not executable, not
# found.
_LASTING = frozenset({0, 1, 126, 127})


class Lost(Unavailable):
    """The connection broke, or the agent died or does not know, before there was an answer: what was asked may be done
    or not."""


class Missing(Unavailable):
    """The agent has not got the runbook's files."""


_ERRORS: dict[str, type[FirstlineError]] = {
    "rejected": Rejected,
    "unavailable": Unavailable,
    "lost": Lost,
    "missing": Missing,
}


class Session(asyncssh.SSHClientSession[bytes]):
    """Answers are lines of JSON; what is said before the agent's first line (a shell's greeting) is kept for when there
    is none."""

    def __init__(self, host: Host, connection: asyncssh.SSHClientConnection) -> None:
        self.host = host
        self.hello: dict[str, str] = {}
        self.used = time.monotonic()
        self.connection = connection
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ready.add_done_callback(lambda ready: ready.cancelled() or ready.exception())  # nobody may wait any more
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count(1)
        self._agent = b""
        self._password = ""
        self._line = bytearray()
        self._words = ""
        self._end: int | str | None = None  # the exit status, or the signal's name
        self.alive = True

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    async def begin(self, command: str, agent: bytes, password: str, timeout: float) -> None:
        """Start the agent and wait for its hello. `password`: what sudo is told if it asks. Raises `Rejected` when it
        can't be started, `Unavailable` when it can't be now."""
        self._agent, self._password = agent, password
        try:
            async with asyncio.timeout(timeout):
                await self.connection.create_session(lambda: self, command, encoding=None)
                await self._ready
        except Lost as error:
            raise Unavailable(str(error)) from None
        except TimeoutError:
            raise Unavailable(f"{self.host}: no agent after {timeout:g} seconds{self._said()}") from None
        except (OSError, asyncssh.Error) as error:
            raise Unavailable(f"{self.host}: no agent can be started: {error}") from None

    async def ask(self, do: str, takes: float = 0.0, **arguments: Any) -> Any:
        """The result. `takes`: how many seconds what is asked may take. Raises the agent's refusal, or `Lost`."""
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self.used = time.monotonic()
        try:
            self._write(json.dumps({"number": number, "do": do, "with": arguments}).encode() + b"\n")
            async with asyncio.timeout(takes + ANSWER):
                told = await answer
        except TimeoutError:
            self.close()  # should it hang, another is started
            raise Lost(f"{self.host}: the agent does not answer") from None
        finally:
            self.used = time.monotonic()
            self._waiting.pop(number, None)
        if "error" in told:
            raise _ERRORS.get(told["error"], Unknown)(f"{self.host}: {told['words']}")
        return told["result"]

    def close(self) -> None:
        """Let the agent end, with the connection, which is its alone."""
        self._fail(Lost(f"{self.host}: the connection was closed"))
        self.connection.close()

    # called by asyncssh

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None:  # standard error
            self._hear(data)
            self._answer_sudo()
            return
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line += line
            self._take(bytes(self._line))
            self._line.clear()
        self._line += rest

    def exit_status_received(self, status: int) -> None:
        self._end = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: ARG002
        self._end = signal

    def connection_lost(self, exc: Exception | None) -> None:
        self._hear(bytes(self._line))
        why = f": {exc}" if exc else f" (exit status or signal {self._end})" if self._end is not None else ""
        if self._end in _LASTING and not self.hello:
            self._fail(Rejected(f"{self.host}: the agent can't be started{why}{self._said()}{_mend(self._words)}"))
        else:
            self._fail(Lost(f"{self.host}: the connection was lost{why}{self._said()}"))
        self.connection.close()

    def _take(self, line: bytes) -> None:
        if self.hello:
            told = json.loads(line)
            answer = self._waiting.get(told["number"])
            if answer and not answer.done():  # else nobody waits for it any more
                answer.set_result(told)
        elif self._agent and line == READY.encode():
            self._write(self._agent)
            self._agent = b""
        elif not self._agent and line.startswith(HELLO.encode()):
            self.hello = json.loads(line)["firstline"]
            self._words = ""
            if not self._ready.done():
                self._ready.set_result(None)
        else:
            self._hear(line)

    def _answer_sudo(self) -> None:
        """Once: asked again, it was wrong, and more of it would lock the account."""
        if self.hello or PROMPT.strip() not in self._words:
            return
        self._words = self._words.replace(PROMPT.strip(), "").strip()
        password, self._password = self._password, ""
        if password:
            self._write(password.encode() + b"\n")
        else:
            self._fail(Rejected(f"{self.host}: sudo does not take the password{self._said()} (become_password)"))

    def _hear(self, words: bytes) -> None:
        self._words = f"{self._words} {words.decode(errors='replace').strip()}".strip()[-WORDS:]

    def _said(self) -> str:
        return f": {self._words}" if self._words else ""

    def _write(self, content: bytes) -> None:
        if not self.alive or self._channel is None:
            raise Lost(f"{self.host}: the connection is closed")
        try:
            self._channel.write(content)
        except (OSError, asyncssh.Error) as error:
            raise Lost(f"{self.host}: the connection is closed: {error}") from None

    def _fail(self, error: FirstlineError) -> None:
        self.alive = False
        waiting: list[asyncio.Future[Any]] = [self._ready, *self._waiting.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(error)


def _mend(words: str) -> str:
    if TOO_OLD in words:
        return " (settings: python)"
    if "tty" in words:  # sudoers(5): requiretty
        return ". The account needs a line in sudoers: `Defaults:USER !requiretty`"
    if "sudo" in words or "password" in words:
        return ". The account needs a line in sudoers: `USER ALL=(BECOME) NOPASSWD: ALL`, or settings: become_password"
    if "not found" in words or "No such file" in words:
        return ". The host needs Python 3.8 or later (settings: python)"
    if not words:
        return ". Its login shell, or a ForceCommand of its sshd, does not run what it is told to"
    return ""
