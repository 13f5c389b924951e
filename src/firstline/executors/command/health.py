"""What `firstline doctor` is told of commands on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

from firstline.errors import Rejected
from firstline.executors.command.request import account_of, closed_on_the_way_to
from firstline.executors.command.settings import CommandSettings
from firstline.executors.command.tool import Tools
from firstline.finding import Finding

BWRAP = "install it (Debian: bubblewrap), and allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)"


def findings(settings: CommandSettings, directory: Path, tools: Tools, tidied: list[str]) -> list[Finding]:
    """`tidied`: what of old runs could not be removed."""
    return [
        _runs(directory),
        _sandbox(settings, tools),
        _bounds(tools),
        *_account(settings, directory, tools),
        *(Finding(ok=False, subject="old runs", message=f"not removed: {words}") for words in tidied[:10]),
    ]


def _runs(directory: Path) -> Finding:
    there = next(path for path in (directory, *directory.parents) if path.exists())
    ok = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    mend = "" if ok else f"let the hub's account write to {there}, or set `directory`"
    return Finding(ok=ok, subject="runs", message=f"runs are kept in {directory}", mend=mend)


def _sandbox(settings: CommandSettings, tools: Tools) -> Finding:
    if settings.sandbox == "none":
        mend = "set `sandbox` to auto or bwrap, or `required` to false" if settings.required else ""
        return Finding(ok=not settings.required, subject="sandbox", message="switched off", mend=mend)
    if tools.bwrap:
        return Finding(ok=True, subject="sandbox", message=f"by {tools.bwrap}")
    refuses = settings.required or settings.sandbox == "bwrap"
    then = "steps with a sandbox are refused" if refuses else "steps with a sandbox are hardly held"
    return Finding(ok=False, subject="sandbox", message=f"{tools.without}: {then}", mend=BWRAP)


def _bounds(tools: Tools) -> Finding:
    message = f"by {tools.prlimit}" if tools.prlimit else "prlimit is not installed: steps with bounds are refused"
    mend = "" if tools.prlimit else "install util-linux"
    return Finding(ok=bool(tools.prlimit), subject="bounds", message=message, mend=mend)


def _account(settings: CommandSettings, directory: Path, tools: Tools) -> Iterator[Finding]:
    if not settings.user:
        return
    try:
        account_of(settings, tools)
    except Rejected as error:
        yield Finding(ok=False, subject="account", message=str(error), mend="set `user`, or let the hub be root")
        return
    closed = closed_on_the_way_to(directory / "a run")
    message = f"as {settings.user}" + (f", who can't get to {directory}" if closed else "")
    mend = f"chmod o+x {closed}, or set `directory` to another place" if closed else ""
    yield Finding(ok=not closed, subject="account", message=message, mend=mend)
