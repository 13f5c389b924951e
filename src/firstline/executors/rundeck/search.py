"""Finds an execution by the key that its start carried."""

import time

from firstline.executors.polled.foreign import read
from firstline.executors.rundeck.api import WHOSE, Api, Execution, Executions

PAGE = 100
SKEW = 300.0  # seconds that two clocks may differ
LOOK_BACK = 86_400.0  # seconds, for a start of which nothing is on record here


class Search:
    """Rundeck can be asked for the executions of a job: those that run, and those that ended, the latest first. (Where
    those that run stand among the others depends on its database, so they are asked for apart, and first: what ends in
    between is among the ended ones then. A filter by options, `optionFilter`, is there from 6.0 on only.)"""

    def __init__(self, api: Api, option: str) -> None:
        self._api = api
        self._option = option

    async def find(self, job: str, key: str, since: float | None) -> int | None:
        """The number of the first execution with this key. `since`: when it was asked for, by our clock. Raises
        `Rejected` when the job is not there or may not be seen, `Unavailable`."""
        running = await self._running(job, key)
        return running if running is not None else await self._ended(job, key, since)

    async def _running(self, job: str, key: str) -> int | None:
        content, _ = await self._api.get(f"/job/{job}/executions", status="running", max=PAGE * 10)
        return self._first(read(Executions, content, WHOSE).executions, key)

    async def _ended(self, job: str, key: str, since: float | None) -> int | None:
        offset = 0
        while True:
            content, answer = await self._api.get(f"/job/{job}/executions", max=PAGE, offset=offset)
            page = read(Executions, content, WHOSE).executions
            found = self._first(page, key)
            ago = LOOK_BACK if since is None else time.time() - since + SKEW
            oldest = answer.at(time.time()) - ago
            older = [each for each in page if each.ended and each.ended.unixtime / 1000 < oldest]
            if found is not None or len(page) < PAGE or older:
                return found
            offset += PAGE

    def _first(self, executions: list[Execution], key: str) -> int | None:
        """Retries have the options of the execution they repeat."""
        found = [each.id for each in executions if each.has_option(self._option, key)]
        return min(found, default=None)
