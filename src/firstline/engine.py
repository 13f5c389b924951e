"""The durable engine (DBOS) behind one module: nothing else imports it.

What it gives: each turn is a workflow that is started once, is remembered with how it ended, and is settled in another
process when its own dies. A turn runs at least once, so it must find what an earlier try left; one that no longer
counts changes nothing. The engine's steps are not used: a step is remembered in a transaction of the engine's, for 3 ms
of CPU, where a stage is remembered in our row together with what it tells."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from dbos import WorkflowStatusString as Status

from firstline.store import Database

# Recovery matches it exactly; the default would hash the source, so that an upgrade orphaned what was under way.
VERSION = "1"
FORGET = 1000  # workflows deleted at a time
_UNDER_WAY = frozenset({Status.PENDING.value, Status.ENQUEUED.value})


class Engine:
    """One for a process. `boot` names this start of this process, never used before."""

    def __init__(self, database: Database, boot: str) -> None:
        self._database = database
        self._boot = boot
        self._workflows: dict[str, Callable[..., Any]] = {}
        self._home: asyncio.AbstractEventLoop | None = None
        self._turns: set[asyncio.Future[Any]] = set()

    def define(self, name: str, workflow: Callable[[str, int], Awaitable[None]]) -> None:
        """Name a workflow, before `launch`."""

        async def run(subject: str, turn: int) -> None:
            await self._at_home(workflow, subject, turn)

        self._workflows[name] = DBOS.workflow(name=name)(run)

    async def launch(self) -> None:
        logging.getLogger("dbos").setLevel(logging.ERROR)
        self._home = asyncio.get_running_loop()
        url = self._database.url.render_as_string(hide_password=False)
        config = DBOSConfig(
            name="firstline",
            system_database_url=url,
            application_version=VERSION,
            executor_id=self._boot,
            serializer=DBOSPortableJSONSerializer(),  # the default is pickle
            log_level="ERROR",
        )
        if self._database.is_sqlite:
            config["system_database_engine"] = self._database.engine
        DBOS(config=config)
        await asyncio.to_thread(DBOS.launch)

    async def start(self, name: str, subject: str, turn: int) -> None:
        """Start a workflow for a subject's turn. The same subject and turn again: nothing happens."""
        with SetWorkflowID(f"{name}.{subject}.{turn}"):
            await DBOS.start_workflow_async(self._workflows[name], subject, turn)

    async def is_over(self, name: str, subject: str, turn: int) -> bool:
        """True when such a workflow has ended, however, or was never started."""
        found = await DBOS.get_workflow_status_async(f"{name}.{subject}.{turn}")
        return found is None or found.status not in _UNDER_WAY

    async def owners(self) -> set[str]:
        """The boots that have unfinished workflows, our own left out."""
        pending = await DBOS.list_workflows_async(status=Status.PENDING.value, load_input=False, load_output=False)
        return {w.executor_id for w in pending if w.executor_id and w.executor_id != self._boot}

    async def take_over(self, boot: str) -> None:
        """Go on with the workflows of a boot that is dead for certain."""
        await asyncio.to_thread(DBOS._recover_pending_workflows, [boot])

    async def forget(self, before: datetime) -> int:
        """Delete what is remembered of workflows that ended before a time; gives how many. A turn never comes again,
        so no deleted id is started anew."""
        ended = await DBOS.list_workflows_async(
            completed_before=before.isoformat(), limit=FORGET, load_input=False, load_output=False
        )
        await DBOS.delete_workflows_async([workflow.workflow_id for workflow in ended])
        return len(ended)

    async def close(self) -> None:
        """Let go. Unfinished workflows go on where the next process takes them over: they are cut short here as by a
        kill, before what they work with is closed under them."""
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as outside:
            await loop.run_in_executor(outside, lambda: DBOS.destroy(destroy_registry=True))
        # The engine had made its own pool the loop's default, and has shut it down: what closes after us needs one.
        loop.set_default_executor(ThreadPoolExecutor())

    async def _at_home(self, act: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Run on the loop the hub lives on: recovered workflows run on a loop of the engine's, where our HTTP clients
        can't be used."""
        if self._home is None or self._home is asyncio.get_running_loop():
            return await self._kept(act, *arguments)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._kept(act, *arguments), self._home))

    async def _kept(self, act: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Run as a task that `close` finds."""
        task = asyncio.ensure_future(act(*arguments))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return await task
