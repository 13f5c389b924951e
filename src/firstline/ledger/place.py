"""Sends a checkpoint to a place off the box: a URL, a git repository, a file."""

import asyncio
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

from firstline.errors import Unavailable
from firstline.http import client, request
from firstline.ledger.folder import append, replace

PATIENCE = 60.0  # seconds that git has for one command
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
}
_AS = ("-c", "user.name=Firstline", "-c", "user.email=ledger@firstline.invalid", "-c", "commit.gpgsign=false")


async def send(place: str, note: str, name: str) -> None:
    """Send a note. `place`: `https://...` is POSTed to; `git:URL` gets a commit on the branch that is its HEAD; `file:`
    is appended to. `name` is the log's. Raises one of `firstline.errors`, or OSError."""
    if place.startswith("git:"):
        await _commit(place.removeprefix("git:"), note, name)
    elif place.startswith("file:"):
        await asyncio.to_thread(append, Path(place.removeprefix("file:")), note.encode())
    else:
        async with client("") as http:
            await request(http, "POST", place, content=note.encode(), headers=TEXT)


async def _commit(url: str, note: str, name: str) -> None:
    """Each time on a fresh copy: there is nothing to go wrong that was left behind, and others may push too."""
    with tempfile.TemporaryDirectory(prefix="firstline-") as scratch:
        copy = Path(scratch, "copy")
        await _git("clone", "--quiet", "--depth", "1", "--", url, str(copy))
        file = copy / f"{quote(name, safe='')}.checkpoint"
        await asyncio.to_thread(replace, file, note)
        here = ("-C", str(copy), *_AS)
        await _git(*here, "add", "--", file.name)
        if await _git(*here, "status", "--porcelain"):  # else it arrived, and only the answer was lost
            await _git(*here, "commit", "--quiet", "--message", f"{name}: {note.splitlines()[1]} entries")
            await _git(*here, "push", "--quiet", "origin", "HEAD")


async def _git(*arguments: str) -> str:
    """What it prints. Raises `Unavailable` with its last words."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env={**os.environ, **_QUIET}
    )
    try:
        out, error = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        raise Unavailable(f"git did not end within {PATIENCE:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise Unavailable(f"git: {error.decode(errors='replace').strip()[-500:]}")
    return out.decode(errors="replace")
