"""Begins a call or a run once: the key is written down first, and what became of a lost request is found out by it."""

import asyncio
import time
from typing import Any

from pydantic import JsonValue

from firstline.errors import FirstlineError, Rejected, Unavailable, Unknown
from firstline.executor import State, Step
from firstline.executors.polled.record import Record
from firstline.executors.polled.wire import Answer, Lost
from firstline.executors.web_call import path as json_path
from firstline.executors.web_call.declaration import Call, HttpParameters
from firstline.executors.web_call.request import Words, fill
from firstline.executors.web_call.run import outputs_of
from firstline.executors.web_call.system import Gone, System, document
from firstline.http import error_for

LONGEST_PAUSE = 2.0


class Beginning:
    """Of one step, while its record is locked."""

    def __init__(self, system: System, record: Record, step: Step, declared: HttpParameters) -> None:
        self._system = system
        self._record = record
        self._step = step
        self._declared = declared
        self._words: Words = {
            "key": step.id,
            **{f"secret:{name}": secret.get_secret_value() for name, secret in step.secrets.items()},
        }

    async def once(self) -> None:
        """Returns when it has begun, or, for a single call, has ended. Raises as `Executor.start`."""
        call = self._declared.call or self._declared.start
        assert call  # noqa: S101 - the model has seen to it
        if self._record.read("begun"):
            await self._recover(call, "an earlier try was not answered", fresh=False)
            return
        self._record.write("begun", self._begun())
        try:
            await self._send(call)
        except Lost as lost:
            await self._recover(call, str(lost), fresh=True)
        except FirstlineError:
            self._record.remove("begun")
            raise

    def _begun(self) -> dict[str, Any]:
        """All that is needed to follow it; no bodies of what begins it, which nobody needs again."""
        declared = self._declared.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for name in ("call", "start"):
            for part in ("json", "body", "headers"):
                declared.get(name, {}).pop(part, None)
        step = self._step
        limits = {"timeout": step.timeout, "output_limit": step.output_limit}
        return {"at": time.time(), "key": step.id, "with": declared, **limits}

    async def _send(self, call: Call) -> None:
        timeout = self._step.timeout if self._declared.call else self._system.settings.request_timeout
        answer = await self._system.begin(call, self._words, timeout)
        if self._declared.call:
            self._note_answer(call, answer)
        else:
            self._note_run(call, answer)

    def _note_run(self, call: Call, answer: Answer) -> None:
        """Raises `Lost` when it has begun, or may have, and there is no id to follow it by."""
        if not call.well(answer.status):
            raise Lost(f"{call.method} {call.path} answered {answer.status}, which is not expected")
        try:
            self._note_id(document(answer), self._declared.id)
        except (LookupError, Rejected) as error:
            raise Lost(f"{call.method} {call.path} answered {answer.status}, without a usable id: {error}") from None

    def _note_id(self, answer: JsonValue, path: str) -> None:
        """Raises LookupError where there is none, `Rejected` when it can't stand in the calls that need it."""
        number = json_path.word(json_path.find(answer, path))
        calls = self._declared.calls()
        for each in ("poll", "log", "result", "cancel"):
            if each in calls:
                fill(calls[each], {"id": number, "key": self._step.id, "offset": "0"})
        self._record.write("run", {"id": number})

    def _note_answer(self, call: Call, answer: Answer) -> None:
        state, detail = State.SUCCEEDED, ""
        outputs = {}
        mask = self._system.masker(self._words)
        if not call.well(answer.status):
            what = f"{call.method} {call.path}"
            state, detail = State.FAILED, str(error_for(answer.status, mask(answer.text), answer.headers, what))
        elif self._declared.outputs:
            try:
                outputs = outputs_of(document(answer), self._declared)
            except LookupError as error:
                state, detail = State.FAILED, f"it was answered {answer.status}, but its outputs can't be had: {error}"
        self._end(state, detail, text=mask(answer.text), outputs=mask.deep(outputs))

    def _end(self, state: State, detail: str, **more: Any) -> None:
        self._record.write("ended", {"state": state, "detail": detail, "at": time.time(), **more})

    async def _recover(self, call: Call, why: str, *, fresh: bool) -> None:
        """Find the run by the key, or send the same again where that does nothing twice; neither: unknown. Of one that
        is not `fresh` the hub knows that it may have begun, so it can wait for a system that can't be asked now."""
        again = self._declared.idempotent or call.safe
        pause, deadline = 0.05, time.monotonic() + self._system.settings.settle
        asked = True
        while self._declared.find or again:
            try:
                if await self._found():
                    return
                if again:
                    await self._send(call)
                    return
                asked = True
            except Unavailable as error:
                asked, why = False, str(error)
            except FirstlineError as error:
                raise Unknown(self._unknown(f"{why}; asked about again, it was refused: {error}")) from None
            if time.monotonic() + pause > deadline:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        if call.safe:
            self._give_up(why)  # it changes nothing, so nothing is unknown
            return
        if asked or fresh:
            raise Unknown(self._unknown(why))
        raise Unavailable(why)

    def _give_up(self, why: str) -> None:
        if self._declared.call and time.time() - self._record.read("begun")["at"] >= self._step.timeout:
            self._end(State.TIMED_OUT, f"its time was up after {self._step.timeout:g} seconds: {why}")
            return
        self._record.remove("begun")
        raise Unavailable(why)

    async def _found(self) -> bool:
        if not self._declared.find:
            return False
        try:
            self._note_id(document(await self._system.ask(self._declared.find, self._words)), self._declared.found)
        except (Gone, LookupError):
            return False
        return True

    def _unknown(self, why: str) -> str:
        looked = "; it was looked for by its key and is not found" if self._declared.find else ""
        what = f"whether {self._step.name or 'the step'} was done at {self._system.settings.url} can't be told"
        return f"{what}: {why}{looked}; its key is {self._step.id}"
