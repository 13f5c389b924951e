"""What an AWX holds, and what runs its jobs."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from firstline.testing.container import Container

Body = dict[str, Any]
TOKEN = "a-token-of-the-stand-in"  # noqa: S105 - of a stand-in
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ACTIVE = ("new", "pending", "waiting", "running")
PROMPTS = {
    "limit": "limit", "job_tags": "tags", "skip_tags": "skip_tags", "job_type": "job_type", "inventory": "inventory",
    "credentials": "credential", "timeout": "timeout", "job_slice_count": "job_slice_count",
}  # fmt: skip
ASK = ("variables", "limit", "tags", "skip_tags", "job_type", "inventory", "credential", "timeout", "job_slice_count")


@dataclass(frozen=True)
class Question:
    """Of a survey."""

    variable: str
    type: str = "text"
    required: bool = False
    longest: int = 1024


@dataclass
class Template:
    """A job template. `run` makes a command of the job's variables; `asks` is what it prompts for at launch."""

    id: int
    name: str
    run: Callable[[Body], list[str]]
    asks: frozenset[str] = frozenset(ASK) - {"job_slice_count"}
    survey: tuple[Question, ...] = ()
    limit: str = ""
    inventory: int = 1
    credentials: tuple[int, ...] = (1,)
    organization: str = "Default"
    allow_simultaneous: bool = True
    slices: int = 1
    may_launch: bool = True
    hosts: tuple[str, ...] | None = None  # of its inventory; None: any name is one's


@dataclass
class WorkflowTemplate:
    """`nodes` are templates that run one after the other, as long as they succeed; None is an approval."""

    id: int
    name: str
    nodes: tuple["Template | WorkflowTemplate | None", ...]
    asks: frozenset[str] = frozenset({"variables", "limit", "skip_tags"})
    organization: str = "Default"


@dataclass
class Job:
    id: int
    kind: str  # job, workflow_job, workflow_approval
    template: Any
    name: str
    variables: Body
    hidden: frozenset[str]
    fields: Body
    launch_type: str = "manual"
    status: str = "pending"
    created: str = ""
    started: str | None = None
    finished: str | None = None
    explanation: str = ""
    artifacts: Any = field(default_factory=dict)
    events: list[Body] = field(default_factory=list)
    emitted: int = 0
    cancel: bool = False
    parts: list["Job"] = field(default_factory=list)

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def hosts(self) -> list[str]:
        """Where it runs: names that the inventory does not have are left out."""
        there, limit = self.template.hosts, self.fields.get("limit") or ""
        if not limit:
            return list(there or ("localhost",))
        return [host for host in limit.split(",") if there is None or host in there]


class World:
    """`lag` seconds pass before an event is saved; those with an even counter come twice as late, so that they are out
    of order. All in the server's event loop."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.token = TOKEN
        self.templates: list[Template] = []
        self.workflows: list[WorkflowTemplate] = []
        self.jobs: list[Job] = []
        self.launches = 0
        self.lag = 0.0
        self.cancels = True  # what is asked to end ends
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._containers: dict[int, Container] = {}

    def all(self, kind: type[Any]) -> list[Any]:
        """The templates of a kind, also those that stand in workflows alone."""
        found: list[Any] = [*self.templates, *self.workflows]
        for template in found:
            found += [node for node in getattr(template, "nodes", ()) if node and node not in found]
        return [template for template in found if isinstance(template, kind)]

    def launch(self, template: Any, kind: str, variables: Body, fields: Body, hidden: frozenset[str]) -> Job:
        self.launches += 1
        job = self.add(template, kind, variables, fields, hidden)
        self._do(self._play_workflow(job, template.nodes) if kind == "workflow_job" else self._play(job))
        return job

    def slice(self, template: Template, variables: Body, fields: Body, hidden: frozenset[str]) -> Job:
        """A workflow job whose jobs share the hosts."""
        self.launches += 1
        job = self.add(template, "workflow_job", variables, fields, hidden)
        self._do(self._play_workflow(job, (template,) * template.slices))
        return job

    def stop(self, job: Job) -> None:
        job.cancel = True
        for part in job.parts:
            self.stop(part)

    async def aclose(self) -> None:
        for container in list(self._containers.values()):
            await container.sweep()
        for task in self._tasks:
            task.cancel()

    def add(self, template: Any, kind: str, variables: Body, fields: Body, hidden: frozenset[str]) -> Job:
        """A job that nothing runs."""
        number = next(self._numbers)
        job = Job(number, kind, template, template.name, variables, hidden, fields, created=now())
        self.jobs.append(job)
        return job

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play_workflow(self, job: Job, nodes: tuple[Template | WorkflowTemplate | None, ...]) -> None:
        job.status, job.started = "running", now()
        for node in nodes:
            if job.cancel:
                break
            if node is None:
                part = Job(next(self._numbers), "workflow_approval", job.template, "approve", {}, frozenset(), {})
                part.created, part.launch_type = now(), "workflow"
                job.parts.append(part)
                while part.active and not part.cancel:  # noqa: ASYNC110 - a request changes it
                    await asyncio.sleep(0.005)
                if part.cancel:
                    part.status = "canceled"
                continue
            kind = "job" if isinstance(node, Template) else "workflow_job"
            taken = {name: value for name, value in job.fields.items() if PROMPTS[name] in node.asks}
            part = self.add(node, kind, {**job.variables}, taken, job.hidden)
            part.launch_type = "workflow"
            job.parts.append(part)
            await (self._play(part) if isinstance(node, Template) else self._play_workflow(part, node.nodes))
            if part.status != "successful":
                break
        failed = any(part.status in ("failed", "error") for part in job.parts)
        self._end(job, "canceled" if job.cancel else "failed" if failed else "successful")

    async def _play(self, job: Job) -> None:
        while not job.template.allow_simultaneous and self._is_blocked(job) and not job.cancel:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        if job.cancel:
            self._end(job, "canceled")
            return
        job.status, job.started = "running", now()
        output = self.place / str(job.id) / "output"
        output.parent.mkdir(parents=True)
        run = ["true"] if job.fields.get("job_type") == "check" else job.template.run(job.variables)
        environment = {"PATH": PATH, "ARTIFACTS": str(output.parent / "artifacts")}
        container = self._containers[job.id] = Container(run, environment, output)
        await self._accompany(job, container, output)
        del self._containers[job.id]

    async def _accompany(self, job: Job, container: Container, output: Path) -> None:
        loop = asyncio.get_running_loop()
        begun, read, late = loop.time(), 0, False
        while True:
            over = container.exit_status is not None
            read = self._emit(job, output, read, last=over)
            if over:
                break
            timeout = job.fields.get("timeout") or 0
            late = late or bool(timeout and loop.time() - begun >= timeout)
            if late or (job.cancel and self.cancels):
                await container.stop()
            await asyncio.sleep(0.005)
        await container.sweep()
        if (file := output.parent / "artifacts").exists():
            job.artifacts = json.loads(file.read_text())
        if late:
            job.explanation = "Job terminated due to timeout"
        successful = container.exit_status == 0
        self._end(job, "failed" if late else "canceled" if job.cancel else "successful" if successful else "failed")

    def _emit(self, job: Job, output: Path, read: int, *, last: bool) -> int:
        content = output.read_bytes()[read:]
        whole = content if last else content[: content.rfind(b"\n") + 1]
        for line in whole.split(b"\n")[: None if whole and not whole.endswith(b"\n") else -1]:
            job.emitted += 1
            number = job.emitted
            event = {"counter": number, "event": "verbose", "stdout": line.decode(errors="replace"), "created": now()}
            event |= {"id": job.id * 1_000_000 + number, "job": job.id, "start_line": number - 1, "end_line": number}
            if self.lag:
                delay = self.lag * (2 if number % 2 == 0 else 1)
                asyncio.get_running_loop().call_later(delay, job.events.append, event)
            else:
                job.events.append(event)
        return read + len(whole)

    def _is_blocked(self, job: Job) -> bool:
        return any(each.template is job.template and each.active and each.id < job.id for each in self.jobs)

    def _end(self, job: Job, status: str) -> None:
        job.finished, job.status = now(), status


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
