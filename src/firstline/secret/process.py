"""What this process has of secrets in its memory and its environment is kept from other processes."""

import ctypes
import os
import re
import resource
import sys

from firstline.masking.pattern import is_secret

_PR_SET_DUMPABLE = 4  # linux/prctl.h

# What git and the programs that it starts go by, beside its own variables.
_SURROUNDINGS = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|SSH_\w+|GIT_\w+|KRB5\w+|SSL_CERT_\w+|(?:https?|all|no)_proxy"
    r"|LD_LIBRARY_PATH",
    re.IGNORECASE,
)


def close_to_others() -> None:
    """No core dump of this process is written; and under Linux root alone reads its environment or its memory, not what
    else runs under its account (prctl(2), PR_SET_DUMPABLE; proc(5)). What it starts is as usual again."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def surroundings() -> dict[str, str]:
    """Of our environment, what a program of this machine may know: `env:` can name any other variable as a secret."""
    return {
        name: value
        for name, value in os.environ.items()
        if _SURROUNDINGS.fullmatch(name) and not is_secret(name, value)
    }
