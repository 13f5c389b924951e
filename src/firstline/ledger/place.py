"""Sends a checkpoint to a place off the box: a URL, a git repository, a file."""

import asyncio
import tempfile
from base64 import b64encode
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from firstline.errors import Unavailable
from firstline.http import client, request
from firstline.ledger.folder import append, replace
from firstline.secret.process import surroundings

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
        address, credentials = _apart(url)
        git = partial(_run, {**surroundings(), **_QUIET, **credentials})
        await git("clone", "--quiet", "--depth", "1", "--", address, str(copy))
        file = copy / f"{quote(name, safe='')}.checkpoint"
        await asyncio.to_thread(replace, file, note)
        here = ("-C", str(copy), *_AS)
        await git(*here, "add", "--", file.name)
        if await git(*here, "status", "--porcelain"):  # else it arrived, and only the answer was lost
            await git(*here, "commit", "--quiet", "--message", f"{name}: {note.splitlines()[1]} entries")
            await git(*here, "push", "--quiet", "origin", "HEAD")


def _apart(url: str) -> tuple[str, dict[str, str]]:
    """The URL without the user and password in it, which `ps` would show; and how git is given them (git-config(1),
    GIT_CONFIG_COUNT; http.extraHeader), by its environment."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.password is None:
        return url, {}
    known = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
    header = f"Authorization: Basic {b64encode(known.encode()).decode()}"
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return address, {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": header}


async def _run(environment: dict[str, str], *arguments: str) -> str:
    """What git prints. Raises `Unavailable` with its last words."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "git", *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment
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
