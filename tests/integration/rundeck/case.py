"""What the tests with the Rundeck stand-in share: its jobs, and an executor that speaks to it."""

import asyncio
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from firstline.executor import Executor, Handle
from firstline.executors.rundeck import RundeckExecutor, RundeckSettings
from firstline.testing.executor import PATIENCE, Bench, Run
from firstline.testing.rundeck import Failed, Job, Option, Rundeck, Work
from firstline.testing.rundeck.app import TOKEN

LOOK = 0.005


async def printing(work: Work) -> None:
    work.say(work.options["stdout"])
    work.say(work.options["stderr"], "ERROR")


async def failing(work: Work) -> None:
    raise Failed(f"Result code was {work.options['status']}")


async def counting(work: Work) -> None:
    with (Path(work.options["place"]) / "count").open("a") as file:
        file.write("\n")


async def lasting(work: Work) -> None:
    async with work.worker(), work.worker():
        await asyncio.Event().wait()


async def waiting(work: Work) -> None:
    gate = Path(work.options["place"]) / "gate"
    work.say("first\n")
    gate.touch()
    while not gate.read_text():  # noqa: ASYNC110 - the test's own thread opens it
        await asyncio.sleep(LOOK)
    work.say("second\n")


async def listing(work: Work) -> None:
    for name, value in work.options.items():
        work.say(f"{name}={value}\n")


async def half(work: Work) -> None:
    """Fails on the second of its nodes."""
    for node in work.nodes:
        work.say(f"hello from {node}\n", node=node)
    raise Failed("Result code was 1", work.nodes[1:2])


PROGRAMS = (printing, failing, counting, lasting, waiting, listing, half)


def jobs() -> list[Job]:
    secure = (Option("password", secure=True), Option("place"))
    return [Job(program.__name__, program.__name__, program, options=secure) for program in PROGRAMS]


def server() -> Rundeck:
    return Rundeck(jobs())


def executor(url: str, place: Path, **fields: Any) -> RundeckExecutor:
    told = {"token": SecretStr(TOKEN), "directory": place / "runs", "settle": 0.3, "stop_patience": 5.0, **fields}
    return RundeckExecutor(RundeckSettings(url=url, **told))


class RundeckBench(Bench):
    """Runs are a job and its options: ("counting", "place=/tmp/x")."""

    async def start(self, run: Run, executor: Executor[Any] | None = None, **fields: Any) -> Handle:
        job, *options = run
        told = {"job": job, "options": dict(option.split("=", 1) for option in options), **fields.pop("with_", {})}
        return await super().start((), executor, **{"parameters": told, "timeout": PATIENCE, **fields})
