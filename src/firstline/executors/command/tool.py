"""The programs of this machine that hold commands, tried once: one that is installed may still not be permitted."""

import os
import shutil
import subprocess
from typing import NamedTuple

_WALLS = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid", "--unshare-ipc", "--unshare-net")
_PATIENCE = 10.0  # seconds
_PATH = f"{os.defpath}:/usr/sbin:/sbin:/usr/local/bin"


class Tools(NamedTuple):
    """Absolute paths; empty where there is none, or it may not do its work. `without` says why there is no bwrap;
    `root`: the hub is."""

    bwrap: str = ""
    unshare: tuple[str, ...] = ()
    setpriv: str = ""
    prlimit: str = ""
    without: str = ""
    root: bool = False


def find_tools() -> Tools:
    """Look and try; takes some milliseconds."""
    bwrap, without = _bwrap()
    root = os.geteuid() == 0
    return Tools(bwrap, _unshare(root), _which("setpriv"), _which("prlimit"), without, root)


def _bwrap() -> tuple[str, str]:
    bwrap = _which("bwrap")
    if not bwrap:
        return "", "bwrap is not installed"
    words = _try(bwrap, *_WALLS)
    return ("", f"bwrap is not permitted: {words}") if words else (bwrap, "")


def _unshare(root: bool) -> tuple[str, ...]:
    """How to be without a network: root just may, others in a user namespace of their own, unshare(1)."""
    unshare = _which("unshare")
    if not unshare:
        return ()
    arguments = (unshare, "--net") if root else (unshare, "--map-current-user", "--net")
    return () if _try(*arguments) else arguments


def _which(program: str) -> str:
    return shutil.which(program, path=_PATH) or ""


def _try(*arguments: str) -> str:
    """What it says when it can't; empty when it can."""
    try:
        found = subprocess.run(  # noqa: S603 - tools of the system, from its own folders
            [*arguments, "true"], capture_output=True, text=True, timeout=_PATIENCE, env={"PATH": _PATH}, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (found.stderr.strip() or f"exit status {found.returncode}") if found.returncode else ""
