"""What the tests of HTTP calls share."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr
from tests.integration.http_executor.jobs import TOKEN

from firstline.executor import Executor, Handle
from firstline.executors.web_call import HttpExecutor, HttpSettings
from firstline.testing.executor import Bench, Run

SEQUENCE: dict[str, Any] = {
    "id": "$.job.id",
    "poll": {"path": "/jobs/{id}"},
    "state": "status",
    "states": {"running": ["busy"], "succeeded": ["done"], "failed": ["error"], "cancelled": ["stopped"]},
    "log": {"path": "/jobs/{id}/log", "query": {"offset": "{offset}"}},
    "cancel": {"method": "DELETE", "path": "/jobs/{id}"},
    "exit_status": "rc",
    "detail": "message",
}
FIND: dict[str, Any] = {"find": {"path": "/jobs", "query": {"key": "{key}"}}, "found": "jobs[0].id"}


def sequence(*run: str, **fields: Any) -> dict[str, Any]:
    return {"start": {"method": "POST", "path": "/jobs", "json": {"run": list(run)}}, **SEQUENCE, **fields}


def executor(url: str, place: Path, **fields: Any) -> HttpExecutor:
    told = {"token": SecretStr(TOKEN), "directory": place / "runs", "settle": 0.3, "stop_patience": 5.0, **fields}
    return HttpExecutor(HttpSettings(url=f"{url}/api", **told))


class HttpBench(Bench):
    """Runs are commands, which the other system runs; or `with_` says what is called."""

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        told = fields.pop("with_", None) or sequence(*run, **FIND)
        return await super().start((), executor, parameters=told, **fields)
