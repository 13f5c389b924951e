"""Functions as an installed package has them, for the tests."""

import asyncio
import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from firstline.function import Run, function


class Drained(BaseModel):
    queue: str
    messages: int
    path: Path


async def printing(stdout: str, stderr: str) -> None:
    sys.stdout.write(stdout)
    sys.stdout.flush()
    sys.stderr.write(stderr)


async def failing(status: int) -> None:
    sys.exit(status)


async def counting(place: Path, *, dry_run: bool = False) -> None:
    if not dry_run:
        with (place / "count").open("a") as file:
            file.write("\n")


async def lasting(place: Path) -> None:
    note = f"echo $$ >> {place}/workers; exec sleep 100000"
    subprocess.Popen(["sh", "-c", f"setsid sh -c '{note}' &"])  # noqa: ASYNC220 - the test asks for one
    with (place / "workers").open("a") as file:
        file.write(f"{os.getpid()}\n")
    await asyncio.sleep(100_000)


async def waiting(place: Path) -> None:
    _say("first")
    os.mkfifo(place / "gate")
    (place / "gate").read_text()
    _say("second")


async def listing() -> None:
    for name, value in os.environ.items():
        _say(f"{name}={value}")


async def drain(queue: str, limit: Annotated[int, Field(gt=0)] = 100, *, run: Run) -> Drained:
    logging.getLogger("drain").info("draining %s on %s", queue, run.target)
    return Drained(queue=queue, messages=limit, path=Path("/var") / run.id)


async def breaking(message: str) -> None:
    raise RuntimeError(message)


async def whispering(run: Run) -> dict[str, Any]:
    secret = run.secrets["TOKEN"].get_secret_value()
    child = subprocess.run(["env"], capture_output=True, check=True, text=True).stdout  # noqa: ASYNC221
    return {"length": len(secret), "in the environment": secret in child or "TOKEN" in os.environ}


async def stopping(place: Path) -> None:
    (place / "begun").touch()
    try:
        await asyncio.sleep(100_000)
    finally:
        (place / "tidied").touch()


@function(resumable=True)
async def transferring(place: Path, run: Run, lines: int = 1) -> dict[str, bool]:
    """Waits in its first call, and goes through in the next."""
    with (place / "calls").open("a") as file:
        file.write(f"{run.id} {os.getpid()}\n")
    for number in range(lines):
        _say(f"{'again' if run.resumed else 'first'} {number}")
    if not run.resumed:
        await asyncio.sleep(100_000)
    return {"resumed": run.resumed}


def plain() -> None:
    pass


async def starred(*words: str) -> None:
    pass


async def listed() -> list[str]:
    return []


@function(resumable=True)
async def keyed(place: Path, seconds: float, run: Run) -> None:
    """What the crash matrix runs. What was done under the run's key is not done again."""
    _note(place / "workers", str(os.getpid()))
    if _claim(place / f"{run.id}.begun"):
        _note(place / "begun", run.id)
    follower = f"echo $$ >> {place}/workers; exec sleep 100000"
    child = subprocess.Popen(["sh", "-c", follower], start_new_session=True)  # noqa: ASYNC220
    await asyncio.sleep(seconds)
    child.kill()
    child.wait()
    if _claim(place / f"{run.id}.ended"):
        _note(place / "ended", run.id)


async def unread(place: "NoSuchType") -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _claim(file: Path) -> bool:
    """Whether we are the first."""
    with suppress(FileExistsError):
        file.touch(exist_ok=False)
        return True
    return False


def _note(file: Path, word: str) -> None:
    with file.open("a") as notes:
        notes.write(f"{word}\n")
