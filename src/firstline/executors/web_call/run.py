"""A sequence that was begun: how far it is, its log, its end."""

import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import JsonValue

from firstline.errors import Unavailable
from firstline.executor import PIECE, Progress, State
from firstline.executors import outputs as run_outputs
from firstline.executors.polled.log import Page, RemoteLog, Window
from firstline.executors.polled.record import Record
from firstline.executors.web_call import path as json_path
from firstline.executors.web_call.declaration import HttpParameters
from firstline.executors.web_call.system import Gone, System, document

LOG_PATIENCE = 60.0  # seconds that a log which can't be had holds up the end of its run


class Sight(NamedTuple):
    """What the other system says now; `answer` is what it was read from."""

    state: State
    detail: str = ""
    answer: JsonValue = None


class Run:
    """Kept in memory for its place in the log; made again from the record by whoever has the handle."""

    def __init__(self, system: System, record: Record) -> None:
        begun, run = record.read("begun"), record.read("run")
        self.record = record
        self.declared = HttpParameters.model_validate(begun["with"])
        self.begun_at: float = begun["at"]
        self.timeout: float = begun["timeout"]
        self._system = system
        self._words = {"id": str(run.get("id", "")), "key": str(begun["key"])}
        self._log_trouble = 0.0  # since when its log could not be had, though it has ended
        self._log = RemoteLog(self._page, 0, int(begun["output_limit"]))

    async def sight(self) -> Sight:
        """Raises `Unavailable`."""
        assert self.declared.poll is not None  # noqa: S101 - the model has seen to it
        assert self.declared.states is not None  # noqa: S101
        try:
            answer = document(await self._system.ask(self.declared.poll, self._words))
        except Gone as error:
            return self._gone(error)
        except LookupError as error:  # a proxy's page, perhaps
            raise Unavailable(f"it can't be asked how far it is: {error}") from None
        try:
            word = json_path.word(json_path.find(answer, self.declared.state))
        except LookupError as error:
            return Sight(State.UNKNOWN, f"its state can't be read: {error}")
        meaning = self.declared.states.meaning(word)
        if not meaning:
            return Sight(State.UNKNOWN, f"it is {word!r}, and no state is declared for that word", answer)
        stopped = self.record.read("stopped")
        state = State(stopped["state"] if stopped and meaning in ("failed", "cancelled") else meaning)
        return Sight(state, self._why(state, word, answer, stopped), answer)

    async def end_of(self, sight: Sight) -> dict[str, Any]:
        """What is recorded of its end. Raises `Unavailable` when the result can't be asked for now."""
        outputs: dict[str, JsonValue] = {}
        state, detail = sight.state, sight.detail
        try:
            answer = sight.answer
            if self.declared.result and state is not State.UNKNOWN:
                answer = document(await self._system.ask(self.declared.result, self._words))
            outputs = outputs_of(answer, self.declared)
        except (Gone, LookupError) as error:
            if state is State.SUCCEEDED:
                state, detail = State.FAILED, f"it has succeeded, but its outputs can't be had: {error}"
        return {
            "state": state,
            "detail": detail,
            "outputs": outputs,
            "exit_status": _number(sight.answer, self.declared.exit_status),
            "at": time.time(),
        }

    async def progress(self, offset: int, sight: Sight, ended: dict[str, Any]) -> Progress:
        """`ended` is the record of its end; empty while it goes on."""
        window = await self._window(offset, bool(ended))
        return Progress(
            state=State(ended.get("state", sight.state)),
            exit_status=ended.get("exit_status"),
            output=window.output,
            offset=window.offset,
            more=window.more,
            dropped=window.dropped,
            started_at=_moment(self.begun_at),
            ended_at=_moment(ended["at"]) if ended else None,
            detail=ended.get("detail", sight.detail),
            outputs=ended.get("outputs", {}),
            surroundings=f"at {self._system.settings.url}, run {self._words['id'] or self._words['key']}",
        )

    async def stop(self, state: State, detail: str) -> Sight:
        """Ask for its end, and look. Raises `Unavailable` when it can't be asked now, and goes on."""
        if not self.record.read("stopped"):
            self.record.write("stopped", {"state": state, "detail": detail})
        trouble: Unavailable | None = None
        try:
            if self.declared.cancel:
                await self._system.ask(self.declared.cancel, self._words)
        except Gone:
            pass  # what the next look is about
        except Unavailable as error:  # also a system that says that it stops already
            trouble = error
        sight = await self.sight()
        if trouble and not sight.state.ended:
            raise trouble
        return sight

    def _gone(self, error: Gone) -> Sight:
        """Some systems forget what was cancelled."""
        stopped = self.record.read("stopped")
        if stopped and self.declared.cancel:
            return Sight(State(stopped["state"]), stopped["detail"])
        return Sight(State.UNKNOWN, f"it was begun, and is not there any more: {error}")

    def _why(self, state: State, word: str, answer: JsonValue, stopped: dict[str, Any]) -> str:
        if state in (State.RUNNING, State.SUCCEEDED):
            return ""
        if stopped and state is not State.FAILED:
            return str(stopped["detail"])
        try:
            told = json_path.word(json_path.find(answer, self.declared.detail)) if self.declared.detail else ""
        except LookupError:
            told = ""
        return f"it is {word}{': ' if told else ''}{told}"

    async def _window(self, offset: int, ended: bool) -> Window:
        nothing = Window((), offset, more=False, dropped=0)
        try:
            return await self._log.window(offset, ended=ended)
        except Gone:  # not there yet, or not any more
            return nothing
        except Unavailable:
            self._log_trouble = self._log_trouble or time.monotonic()
            if ended and time.monotonic() - self._log_trouble > LOG_PATIENCE:
                return nothing
            raise

    async def _page(self, offset: int) -> Page[int]:
        """Marks are offsets in bytes, ours and the other system's alike."""
        log = self.declared.log
        if log is None:
            text = str(self.record.read("ended").get("text", "")).encode()
            piece = text[offset : offset + PIECE]
            return Page([("stdout", piece)], offset + len(piece), more=offset + len(piece) < len(text))
        words = {**self._words, "offset": str(offset)}
        if "offset" in log.placeholders():
            answer = await self._system.ask(log, words, PIECE)
            return Page([("stdout", answer.content)], offset + len(answer.content), more=not answer.whole)
        answer = await self._system.ask(log, words, self._system.settings.log_limit)
        piece = answer.content[offset : offset + PIECE]
        return Page([("stdout", piece)], offset + len(piece), more=offset + len(piece) < len(answer.content))


def outputs_of(answer: JsonValue, declared: HttpParameters) -> dict[str, JsonValue]:
    """Raises LookupError that names what is not there."""
    found = {name: json_path.find(answer, path) for name, path in declared.outputs.items()}
    size = len(str(found).encode(errors="replace"))
    if size > run_outputs.LIMIT:
        raise LookupError(f"the outputs are larger than {run_outputs.LIMIT} bytes")
    return found


def _number(answer: JsonValue, path: str) -> int | None:
    try:
        found = json_path.find(answer, path) if path else None
    except LookupError:
        return None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
