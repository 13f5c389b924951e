"""What the tests with the AWX stand-in share: its templates, and an executor that speaks to it."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from firstline.executor import Executor, Handle
from firstline.executors.awx import AwxExecutor, AwxSettings
from firstline.testing.awx import Template, World
from firstline.testing.awx.world import ASK, TOKEN
from firstline.testing.executor import Bench, Run

EVERYTHING = frozenset(ASK)
PROGRAM = Template(1, "program", run=lambda variables: list(variables["program"]))


def executor(url: str, place: Path, **fields: Any) -> AwxExecutor:
    told = {"url": url, "token": SecretStr(TOKEN), "directory": place / "runs", "settle": 2.0, **fields}
    return AwxExecutor(AwxSettings.model_validate(told))


def hello(**fields: Any) -> Template:
    return Template(**{"id": 2, "name": "hello", "run": lambda _: ["echo", "hello"], **fields})


def told(**fields: Any) -> dict[str, Any]:
    return {"parameters": {"job_template": "hello", **fields}}


def world(place: Path) -> World:
    made = World(place)
    made.templates.append(PROGRAM)
    return made


class AwxBench(Bench):
    """Runs are programs, given to a template as a variable."""

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        told = {"job_template": "program", "extra_vars": {"program": list(run)}} if run else {}
        return await super().start((), executor, **{"parameters": told, **fields})
