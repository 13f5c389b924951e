"""Where the stand-in's jobs run: tasks of the server's event loop."""

import asyncio
from collections.abc import Callable

from firstline.testing.rundeck.model import Execution, Job
from firstline.testing.rundeck.work import Failed, Work


class Stage:
    def __init__(self) -> None:
        self.executions: list[Execution] = []
        self.works: dict[int, Work] = {}
        self.begun_before = 0  # executions that were there before this server began
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, job: Job, user: str, given: dict[str, str], nodes: tuple[str, ...], attempt: int = 0) -> Execution:
        secure = {option.name for option in job.options if option.secure}
        execution = Execution(
            id=len(self.executions) + 1 + self.begun_before,
            job=job,
            user=user,
            options={name: value for name, value in given.items() if name not in secure},
            secrets={name: value for name, value in given.items() if name in secure},
            nodes=nodes,
            attempt=attempt,
        )
        work = Work(given, nodes, execution.write)
        self.works[execution.id] = work
        self.executions.append(execution)
        self._loop = asyncio.get_running_loop()
        task = self._tasks[execution.id] = self._loop.create_task(self._play(execution, work))
        task.add_done_callback(lambda _: _close(execution))
        return execution

    def abort(self, execution: Execution) -> None:
        """It ends when its program has."""
        self._tasks[execution.id].cancel()

    def restart(self) -> None:
        """As when the server's process ends and comes again: what ran is over, and called incomplete. From any
        thread; returns when it is so."""
        running = [each for each in list(self.executions) if each.ended is None]
        self._there(lambda: [self._tasks[each.id].cancel("restart") for each in running])

    def forget(self, execution: Execution) -> None:
        """It is deleted, with its log."""
        self.executions.remove(execution)
        self.begun_before += 1

    def _there(self, do: Callable[[], object]) -> None:
        loop = self._loop
        if loop is None:
            return

        async def done() -> None:
            do()
            waited = [task for task in self._tasks.values() if task.cancelling()]
            await asyncio.gather(*waited, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(done(), loop).result(10)

    async def _play(self, execution: Execution, work: Work) -> None:
        if not execution.nodes:
            self._play_nowhere(execution)
            return
        try:
            await execution.job.program(work)
        except Failed as failed:
            execution.failed_nodes = failed.nodes or execution.nodes
            work.say(f"Failed: NonZeroResultCode: {failed}\n", "ERROR")
            self._fail(execution, work)
        except asyncio.CancelledError as cancelled:
            if cancelled.args == ("restart",):
                execution.custom_status = "incomplete"
                execution.end("other")
            else:
                execution.end("aborted")
        except BaseException:
            execution.end("failed")
            raise
        else:
            execution.end("succeeded")

    def _play_nowhere(self, execution: Execution) -> None:
        """A filter that matches no node (EngineWorkflowExecutor)."""
        execution.write("No matched nodes", "WARN", "rundeck-server")
        execution.end("succeeded" if execution.job.success_on_none else "failed")

    def _fail(self, execution: Execution, work: Work) -> None:
        if execution.attempt >= execution.job.retries:
            execution.end("failed")
            return
        execution.retried = self.begin(
            execution.job, execution.user, dict(work.options), execution.nodes, execution.attempt + 1
        )
        execution.end("failed-with-retry")


def _close(execution: Execution) -> None:
    """A task that was cancelled before its first step has seen nothing of it."""
    if execution.ended is None:
        execution.end("aborted")
