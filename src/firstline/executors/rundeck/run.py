"""One run as it is followed: the execution, those that Rundeck began after it as retries, and their log as one."""

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

from pydantic import JsonValue

from firstline.errors import FirstlineError, Unavailable
from firstline.executor import Progress, State, Step
from firstline.executors.outputs import LIMIT
from firstline.executors.polled.foreign import read
from firstline.executors.polled.log import Page, RemoteLog, Stream
from firstline.executors.polled.place import elsewhere
from firstline.executors.rundeck.api import WHOSE, Api, Entry, Execution, Gone, Output
from firstline.executors.rundeck.request import targets_of

LINES = 1_000  # of its log that one request asks for
PAGE = 16 * 1_048_576  # bytes that such an answer may have; beyond it fewer lines are asked for
LOG_PATIENCE = 60.0  # seconds that a log may need to be whole after its execution's end
RETRY_PATIENCE = 60.0  # seconds that the next attempt may need to be there: Rundeck makes it in the same transaction

# The text that Rundeck's own Key Value Data log filter looks for:
# https://docs.rundeck.com/docs/manual/log-filters/key-value-data.html
_OUTPUT = re.compile(r"^RUNDECK:DATA:([^\s=]+?)\s*=\s*(.+)$")
_STDERR = frozenset({"ERROR", "WARN"})

_STATES = {
    "running": State.RUNNING,
    "scheduled": State.RUNNING,
    "queued": State.RUNNING,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "missed": State.FAILED,
    "aborted": State.CANCELLED,
    "timedout": State.TIMED_OUT,
    "failed-with-retry": State.RUNNING,  # the next attempt is not there yet
}
_RETRIED = "failed-with-retry"
_NOWHERE = "Rundeck names no node that it ran on"
_INCOMPLETE = "incomplete"  # what Rundeck calls an execution that ran when its server went down


class Address(NamedTuple):
    """Where a run is: what a handle says."""

    execution: int
    timeout: float
    limit: int
    targets: tuple[str, ...] = ()  # the nodes that it was asked for

    @classmethod
    def of(cls, execution: int, step: Step) -> "Address":
        return cls(execution, step.timeout, step.output_limit, targets_of(step))

    @classmethod
    def parse(cls, where: str) -> "Address | None":
        number, _, query = where.partition("?")
        fields = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            targets = tuple(filter(None, fields.get("targets", "").split(",")))
            return cls(int(number), float(fields["timeout"]), int(fields["limit"]), targets)
        except (KeyError, ValueError):
            return None

    def __str__(self) -> str:
        fields = {"targets": ",".join(self.targets), "timeout": self.timeout, "limit": self.limit}
        return f"{self.execution}?{urlencode(fields, safe=',@')}"

    @property
    def named(self) -> bool:
        """Each line with the name of its node."""
        return len(self.targets) > 1


class Sight(NamedTuple):
    """What Rundeck says of a run now, by its own clock."""

    chain: list[Execution]
    now: float

    @property
    def last(self) -> Execution:
        return self.chain[-1]

    @property
    def state(self) -> State:
        if self.last.status == "other":
            return State.UNKNOWN if self.last.custom_status == _INCOMPLETE else State.FAILED
        if self.last.status == _RETRIED and self.since_end > RETRY_PATIENCE:
            return State.UNKNOWN
        return _STATES.get(self.last.status, State.UNKNOWN)

    @property
    def started(self) -> float:
        first = self.chain[0].started
        return first.unixtime / 1000 if first else self.now

    @property
    def since_end(self) -> float:
        return self.now - self.last.ended.unixtime / 1000 if self.last.ended else 0.0


class _Incomplete(Unavailable):
    """It has ended, and its log is not all there yet."""


class Run:
    """Follows one run; kept in memory, and made again by whoever has the handle."""

    def __init__(self, api: Api, address: Address) -> None:
        self._api = api
        self._address = address
        self._sight = Sight([], 0.0)
        self._lock = asyncio.Lock()
        self._lines = LINES
        self._missing = ""
        self._to_end = False  # the log is read to its end, not as far as it is there
        self._outputs: dict[str, JsonValue] = {}
        self._log = RemoteLog(self._page, (0, 0), address.limit, self._learn)

    async def sight(self) -> Sight:
        """Raises `Gone`, and `Unavailable` for all else."""
        chain: list[Execution] = []
        now, number = time.time(), self._address.execution
        while True:
            try:
                content, answer = await self._api.get(f"/execution/{number}")
            except (Gone, Unavailable):
                raise
            except FirstlineError as error:
                raise Unavailable(f"execution {number} can't be asked for: {error}") from None
            chain.append(read(Execution, content, WHOSE))
            now = answer.at(now)
            retried = chain[-1].retried
            if retried is None or retried.id in [each.id for each in chain]:
                return Sight(chain, now)
            number = retried.id

    async def look(self, offset: int, sight: Sight, stopped: dict[str, Any]) -> Progress:
        """`stopped` says what of an end we asked for, and why. Raises `Unavailable`. One look at a time: what a page of
        the log means depends on whether its execution has ended."""
        async with self._lock:
            if len(sight.chain) < len(self._sight.chain):  # somebody else has seen more meanwhile
                sight = self._sight
            return await self._look(offset, sight, stopped)

    async def _look(self, offset: int, sight: Sight, stopped: dict[str, Any]) -> Progress:
        self._sight, state = sight, sight.state
        self._to_end = state.ended
        astray = _astray(self._address.targets, sight.last) if state is State.SUCCEEDED else ""
        nowhere = self._address.targets and state is State.SUCCEEDED and not sight.last.nodes
        try:
            window = await self._log.window(offset, ended=state.ended)
        except _Incomplete:
            state, self._to_end = State.RUNNING, False
            window = await self._log.window(offset, ended=False)
        if state is State.CANCELLED:
            state = State(stopped.get("state", State.CANCELLED))
        if state is State.SUCCEEDED and astray:
            state = State.FAILED
        return Progress(
            state=state,
            output=window.output,
            offset=window.offset,
            more=window.more,
            dropped=window.dropped,
            started_at=_moment(sight.started),
            ended_at=_moment(sight.last.ended.unixtime / 1000) if state.ended and sight.last.ended else None,
            detail="; ".join(filter(None, (*self._words(state, sight, stopped), astray, _NOWHERE if nowhere else ""))),
            outputs=self._outputs if state.ended else {},
            surroundings=f"Rundeck execution {sight.last.id}, as {sight.last.user or 'its user'}",
        )

    def _words(self, state: State, sight: Sight, stopped: dict[str, Any]) -> Iterator[str]:
        last = sight.last
        if len(sight.chain) > 1:
            yield f"attempt {len(sight.chain)}"
        if not state.ended or state is State.SUCCEEDED:
            yield self._missing
            return
        if last.status == "aborted":
            yield str(stopped.get("detail") or f"aborted in Rundeck by {last.aborted_by or 'somebody'}")
        elif last.status == _RETRIED:
            yield "Rundeck was to try it again, and no next attempt is there: it could not begin it, or it was deleted"
        elif state is State.UNKNOWN:
            yield f"Rundeck calls it {last.custom_status or last.status}: its server went down, or lost sight of it"
        elif state is State.TIMED_OUT:
            yield "the job's own time-out in Rundeck is up"
        else:
            yield f"Rundeck says {last.custom_status or last.status}"
        if last.failed_nodes:
            yield f"failed on {', '.join(last.failed_nodes)}"
            yield f"succeeded on {', '.join(last.succeeded_nodes) or 'none'}"
        yield self._missing
        yield last.permalink or f"execution {last.id}"

    async def _page(self, mark: tuple[int, int]) -> Page[tuple[int, int]]:
        """A mark: which of the chain, and Rundeck's own offset in its log."""
        number, offset = mark
        chain = self._sight.chain
        try:
            content = await self._entries(chain[number].id, offset)
        except FirstlineError as error:
            if not self._past_patience():
                raise _Incomplete(str(error)) if self._to_end else _as_unavailable(error) from None
            content = Output(completed=True, error=str(error))
        after = max(content.offset, offset)
        texts = [self._text(entry) for entry in content.entries]
        if len(texts) >= self._lines:
            return Page(texts, (number, after), more=True)
        if self._to_end and not content.completed and not self._past_patience():
            raise _Incomplete("its log is not all there yet")
        if self._past_patience() and (content.error or not content.completed):
            self._missing = _missing(content)
        if number + 1 < len(chain) and (content.completed or self._past_patience()):
            return Page(texts, (number + 1, 0), more=True)
        return Page(texts, (number, after), more=False)

    def _past_patience(self) -> bool:
        return self._to_end and self._sight.since_end > LOG_PATIENCE

    async def _entries(self, execution: int, offset: int) -> Output:
        """A page of its log. Lines so long that the answer would fill memory are asked for fewer at a time."""
        while True:
            path = f"/execution/{execution}/output"
            answer = await self._api.send("GET", path, limit=PAGE, params={"offset": offset, "maxlines": self._lines})
            if answer.whole:
                return read(Output, self._api.understood(answer, path), WHOSE)
            if self._lines == 1:
                raise Unavailable(f"execution {execution} has a line of more than {PAGE} bytes in its log")
            self._lines //= 4

    def _text(self, entry: Entry) -> tuple[Stream, bytes]:
        """Rundeck keeps lines: where a program ended without a line break, one is added."""
        name = f"{entry.node}: " if self._address.named and entry.node else ""
        return ("stderr" if entry.level in _STDERR else "stdout"), f"{name}{entry.log}\n".encode(errors="replace")

    def _learn(self, content: bytes) -> None:
        line = content.decode(errors="replace").rstrip("\n")
        found = _OUTPUT.match(line.partition(": ")[2] if self._address.named else line)
        if found:
            size = sum(len(name) + len(str(value)) for name, value in self._outputs.items())
            if size + len(found[1]) + len(found[2]) <= LIMIT:
                self._outputs[found[1]] = found[2]


def _as_unavailable(error: FirstlineError) -> FirstlineError:
    return error if isinstance(error, Unavailable) else Unavailable(str(error))


def _missing(content: Output) -> str:
    if content.error:
        return f"its log can't be read: {content.error}"
    return f"its log is not all there: {content.pending or content.message or 'it was not completed'}"


def _astray(targets: tuple[str, ...], execution: Execution) -> str:
    """In words, that it did not run where it was asked to: Rundeck leaves out nodes that the project does not have. Of
    a job whose steps run on no node it names none; nor where none is left and the job calls that a success
    (`successOnEmptyNodeFilter`; EngineWorkflowExecutor)."""
    if not targets or not execution.nodes:
        return ""
    return elsewhere(targets, execution.nodes)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
