"""What other processes of this machine can see of the hub's secrets."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from firstline.errors import Unavailable
from firstline.ledger.place import send
from firstline.testing.peer import need

NOBODY = 65534
DUMPABLE = "import ctypes; ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"  # as each program is that was just started
HUB = """
from firstline.secret.process import close_to_others
print("open", flush=True)
input()
close_to_others()
print("closed", flush=True)
input()
"""


def seen(what: str, value: str) -> Iterator[str]:
    """The command lines of the processes whose `cmdline` or `environ` has it."""
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            if value.encode() in (proc / what).read_bytes():
                yield (proc / "cmdline").read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue


@pytest.mark.anyio
async def test_git_is_told_a_password_where_nobody_sees_it_and_none_of_the_hubs_own_secrets(
    loopback: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    need("git")
    password, own = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    monkeypatch.setenv("HUB_WEBHOOK", own)
    monkeypatch.setenv("GIT_HUB_TOKEN", own)
    found: list[tuple[str, list[str], list[str]]] = []

    def look(request: Request) -> Response:
        shown, known = list(seen("cmdline", password)), list(seen("environ", own))
        found.append((request.headers.get("Authorization", ""), shown, known))
        return Response(status_code=404)

    address = loopback(Starlette(routes=[Route("/{path:path}", look)])).replace("://", f"://hub:{password}@")
    with pytest.raises(Unavailable, match="git:") as caught:
        await send(f"git:{address}/ledger.git", "a note", "a name")
    assert password not in str(caught.value)
    [(header, shown, known)] = found
    assert header.startswith("Basic ")
    assert (shown, known) == ([], [])


def test_who_has_the_same_account_sees_nothing_of_a_hub_that_has_closed_itself() -> None:
    """Root sees all, so there both are somebody else."""
    root = os.geteuid() == 0
    as_nobody = [need("setpriv", "util-linux"), f"--reuid={NOBODY}", "--clear-groups"] if root else []
    hub = (f"import os; os.setuid({NOBODY})\n{DUMPABLE}" if root else "") + HUB
    hub = f"import firstline.secret.process\n{hub}"  # while it may still read it

    def look(pid: int) -> bytes:
        return subprocess.run([*as_nobody, "cat", f"/proc/{pid}/environ"], capture_output=True, check=False).stdout

    with subprocess.Popen(
        [sys.executable, "-c", hub],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"CANARY": "correct-horse"},
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for state, shown in (("open", True), ("closed", False)):
            assert process.stdout.readline() == f"{state}\n"
            assert (b"correct-horse" in look(process.pid)) is shown
            limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")
            process.stdin.write("go on\n")
            process.stdin.flush()
    assert re.search(r"Max core file size +0 +0 ", limits)


def test_the_demo_finds_a_hub_that_has_closed_itself(tmp_path: Path) -> None:
    become = f"os.setuid({NOBODY})" if os.geteuid() == 0 else ""
    hub = f"import os\n{become}{HUB}"
    look = f"import os, sys, pathlib\nfrom firstline.demo.process import marked\n{become}\n"
    look += "print(*marked(pathlib.Path(sys.argv[1])))"
    with subprocess.Popen(
        [sys.executable, "-c", f"import firstline.secret.process\n{hub}", f"{tmp_path}/hub"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(2)] == ["open\n", "closed\n"]
        for root, there in ((tmp_path, str(process.pid)), (tmp_path / "other", "")):
            found = subprocess.run(
                [sys.executable, "-c", look, root], capture_output=True, text=True, check=True, cwd="/"
            )
            assert found.stdout.strip() == there
