"""Who changed a runbook's folder last, where the folder is in a git repository."""

import subprocess
from pathlib import Path

from firstline.secret.process import surroundings

TIMEOUT = 10.0  # seconds


def editors(folder: Path) -> tuple[str, ...]:
    """E-mail addresses of the author and the committer of the last commit that touched the folder, in small letters.
    Empty where there is no repository, no commit of the folder, or no git: then nobody is known to have edited it."""
    if not any((each / ".git").exists() for each in folder.absolute().parents):
        return ()
    told = _git(folder, "log", "-1", "--format=%ae%n%ce", "--", ".")
    return tuple(dict.fromkeys(line.strip().casefold() for line in told.splitlines() if line.strip()))


def _git(folder: Path, *arguments: str) -> str:
    # The repository is the users', perhaps another account's: nothing that its configuration names is started.
    options = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", "--no-pager")
    command = ("git", *options, *arguments)
    environment = {**_plain(), "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def _plain() -> dict[str, str]:
    """Our surroundings without what would point git at another repository, as a hook's do."""
    return {name: value for name, value in surroundings().items() if not name.startswith("GIT_")}
