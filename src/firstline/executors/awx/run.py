"""One run as it is followed: a job, or a workflow job with the jobs in it, and their output as one.

Statuses: awx/main/models/unified_jobs.py. Output is read from a job's events, in the order of their counter, because
AWX saves them in any order: its own text of a running job may change in the middle.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

from pydantic import JsonValue

from firstline.errors import Rejected
from firstline.executor import Progress, State, Step
from firstline.executors.awx.api import PAGE, Api
from firstline.executors.awx.document import Event, Host, Job, Node, Part
from firstline.executors.awx.request import targets_of
from firstline.executors.outputs import LIMIT
from firstline.executors.polled.log import Page, RemoteLog, Stream
from firstline.executors.polled.place import elsewhere

PATIENCE = 60.0  # seconds that events may need to be saved after a job's end
GAP = 15.0  # seconds after which an event that is missing among the others is not waited for: AWX saves not all

_STATES = {
    "successful": State.SUCCEEDED,
    "failed": State.FAILED,
    "error": State.FAILED,
    "canceled": State.CANCELLED,
    **dict.fromkeys(("new", "pending", "waiting", "running"), State.RUNNING),
}
_TIMED_OUT = "Job terminated due to timeout"  # awx/main/tasks/jobs.py
_EVENTS = {"job": "jobs/{}/job_events", "project_update": "project_updates/{}/events"}
_EVENTS |= {kind: f"{kind}s/{{}}/events" for kind in ("inventory_update", "ad_hoc_command", "system_job")}

Body = dict[str, Any]
Mark = tuple[int, int]  # which of its jobs, and the counter of the last event that was read; -1: not its title


class Address(NamedTuple):
    """Where a run is: what a handle says."""

    path: str
    timeout: float
    limit: int
    targets: tuple[str, ...] = ()  # the hosts that it was asked for

    @classmethod
    def of(cls, path: str, step: Step) -> "Address":
        return cls(path, step.timeout, step.output_limit, targets_of(step))

    @classmethod
    def parse(cls, where: str) -> "Address | None":
        path, _, query = where.partition("?")
        fields = {name: values[0] for name, values in parse_qs(query).items()}
        kind, _, number = path.partition("/")
        try:
            if kind not in ("jobs", "workflow_jobs") or not number.isdecimal():
                return None
            targets = tuple(filter(None, fields.get("targets", "").split(",")))
            return cls(path, float(fields["timeout"]), int(fields["limit"]), targets)
        except (KeyError, ValueError):
            return None

    @property
    def is_workflow(self) -> bool:
        return self.path.startswith("workflow")

    def __str__(self) -> str:
        fields = {"targets": ",".join(self.targets), "timeout": self.timeout, "limit": self.limit}
        return f"{self.path}?{urlencode(fields, safe=',')}"


class Sight(NamedTuple):
    """What AWX says of a run now, by its own clock. `parts` are its jobs, in the order in which they were made."""

    job: Job
    parts: list[Part]
    now: float

    @property
    def state(self) -> State:
        state = _STATES.get(self.job.status, State.UNKNOWN)
        if state is State.FAILED and self.job.job_explanation == _TIMED_OUT:
            return State.TIMED_OUT
        if state.ended and any(_STATES.get(part.status) is State.RUNNING for part in self.parts):
            return State.RUNNING
        return state

    @property
    def age(self) -> float:
        return self.now - self.job.created.timestamp()

    @property
    def since_end(self) -> float:
        return self.now - self.job.finished.timestamp() if self.job.finished else 0.0


class Run:
    """Follows one run; kept in memory, and made again by whoever has the handle."""

    def __init__(self, api: Api, address: Address) -> None:
        self._api = api
        self._address = address
        self._sight: Sight
        self._lock = asyncio.Lock()
        self._whole = True  # what was read last has all events that there will be
        self._hosts: set[str] | None = None  # where it has run, told once it has ended
        begin = -1 if address.is_workflow else 0
        self._log: RemoteLog[Mark] = RemoteLog(self._page, (0, begin), address.limit)

    async def sight(self) -> Sight:
        """Raises `Gone`, `Unavailable` and what else AWX answers."""
        job, answer = await self._api.told(Job, self._address.path)
        parts: list[Part] = [job]
        if self._address.is_workflow:
            parts = sorted(await self._parts(self._address.path), key=lambda part: part.id)
        return Sight(job, parts, answer.at(datetime.now(UTC).timestamp()))

    async def _parts(self, path: str) -> list[Part]:
        """The jobs in a workflow, and in the workflows in it."""
        nodes = await self._api.all(Node, f"{path}/workflow_nodes", order_by="id")
        found = [node.summary_fields.job for node in nodes if node.summary_fields.job]
        for part in [part for part in found if part.type == "workflow_job"]:
            found += await self._parts(f"workflow_jobs/{part.id}")
        return found

    async def look(self, offset: int, sight: Sight, stopped: Body) -> Progress:
        """`stopped` says what of an end we asked for, and why. One look at a time: what a page of the output means
        depends on what is known of the jobs."""
        async with self._lock:
            return await self._look(offset, sight, stopped)

    async def _look(self, offset: int, sight: Sight, stopped: Body) -> Progress:
        self._sight, self._whole = sight, True
        state = sight.state
        window = await self._log.window(offset, ended=state.ended and await self._all_saved())
        if state.ended and not self._whole and sight.since_end < PATIENCE:
            state = State.RUNNING  # its last words are on their way
        if state is State.CANCELLED:
            state = State(stopped.get("state", State.CANCELLED))
        astray, unsure = "", ""
        if state is State.SUCCEEDED and self._address.targets:
            try:
                astray = await self._astray()
            except Rejected as error:
                unsure = f"on which hosts it ran can't be told: {error}"
        state = State.FAILED if astray else state
        outputs, complaint = _outputs(sight.job) if state.ended else ({}, "")
        return Progress(
            state=state,
            output=window.output,
            offset=window.offset,
            more=window.more,
            dropped=window.dropped,
            started_at=_utc(sight.job.started),
            ended_at=_utc(sight.job.finished) if state.ended else None,
            detail="; ".join(filter(None, (*self._words(state, sight, stopped), astray, unsure, complaint))),
            outputs=outputs,
            surroundings=_surroundings(self._address, sight.job),
        )

    async def _astray(self) -> str:
        """In words, that it did not run where it was asked to: Ansible warns of a host that the inventory does not
        have, or that no play is for, and goes on without it. AWX counts for each host what was done there
        (JobHostSummary)."""
        if self._hosts is None:
            jobs = [part for part in self._sight.parts if part.type == "job"]
            found = [await self._api.all(Host, f"jobs/{job.id}/job_host_summaries") for job in jobs]
            self._hosts = {each.host_name for page in found for each in page}
        return elsewhere(self._address.targets, self._hosts)

    async def _all_saved(self) -> bool:
        """Whether the output of an ended run is all there, or will not come any more."""
        if self._sight.since_end >= PATIENCE:
            return True
        for part in self._sight.parts:
            if not await self._is_saved(part):
                self._whole = False
                return False
        return True

    async def _is_saved(self, part: Part) -> bool:
        if part.type not in _EVENTS:
            return True
        if part.event_processing_finished is None:
            part = await self._api.get(Part, _EVENTS[part.type].format(part.id).rpartition("/")[0])
        return part.event_processing_finished is not False

    async def _page(self, mark: Mark) -> Page[Mark]:
        index, counter = mark
        if index >= len(self._sight.parts):
            return Page([], mark, more=False)
        part = self._sight.parts[index]
        if counter < 0:
            title = f"=== {part.name or part.type} ({part.type.replace('_', ' ')} {part.id}) ===\n"
            return Page([("stdout", title.encode())], (index, 0), more=True)
        events = await self._events(part, counter)
        texts: list[tuple[Stream, bytes]] = [("stdout", text) for event in events if (text := _text(event))]
        if events:
            return Page(texts, (index, events[-1].counter), more=True)
        if index + 1 < len(self._sight.parts) and await self._is_over(part):
            return Page([], (index + 1, -1), more=True)
        return Page([], mark, more=False)

    async def _is_over(self, part: Part) -> bool:
        return _STATES.get(part.status) is not State.RUNNING and await self._is_saved(part)

    async def _events(self, part: Part, counter: int) -> list[Event]:
        """The next ones that have none missing before them."""
        if part.type not in _EVENTS:
            return []
        query = {"order_by": "counter", "counter__gt": counter, "page_size": PAGE, "no_truncate": "1"}
        found, _ = await self._api.rows(Event, _EVENTS[part.type].format(part.id), **query)
        patient = not (self._sight.state.ended and self._whole)
        for place, event in enumerate(found):
            late = self._sight.now - event.created.timestamp() > GAP
            if patient and event.counter != counter + 1 and not late:
                return found[:place]
            counter = event.counter
        return found

    def _words(self, state: State, sight: Sight, stopped: Body) -> Iterator[str]:
        job = sight.job
        if state is State.RUNNING:
            yield "" if job.status == "running" else f"AWX says {job.status}"
            yield job.job_explanation
            for part in sight.parts:
                if part.type == "workflow_approval" and _STATES.get(part.status) is State.RUNNING:
                    yield f"it waits for an approval in AWX: {part.name}"
            return
        if state is State.SUCCEEDED:
            return
        yield str(stopped.get("detail", "")) if job.status == "canceled" else f"AWX says {job.status}"
        yield job.job_explanation
        yield job.result_traceback.strip().rpartition("\n")[2]
        failed = [f"{part.name} ({part.id})" for part in sight.parts if part.status in ("failed", "error")]
        if self._address.is_workflow and failed:
            yield f"failed in it: {', '.join(failed)}"
        yield self._address.path.replace("_", " ")


def _text(event: Event) -> bytes:
    """As AWX itself puts events together: a line break after each that has text, and none of Windows in it."""
    text = event.stdout.replace("\r\n", "\n")
    return f"{text}\n".encode(errors="replace") if text else b""


def _outputs(job: Job) -> tuple[dict[str, JsonValue], str]:
    """What `set_stats` gave. AWX says in words where it is hidden."""
    artifacts = job.artifacts or {}
    if not isinstance(artifacts, dict):
        return {}, f"its artifacts can't be had: {artifacts}"
    size = len(json.dumps(artifacts).encode())
    return (artifacts, "") if size <= LIMIT else ({}, f"its artifacts are more than {LIMIT} bytes")


def _surroundings(address: Address, job: Job) -> str:
    node = f", on {job.execution_node}" if job.execution_node else ""
    return f"AWX {address.path.replace('_', ' ').replace('s/', ' ')}, as {job.launched_by.name}{node}"


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
