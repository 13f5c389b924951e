"""What the demo does to the shop and the accounts from outside, and what can be seen of them on the disk."""

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from firstline.demo import app
from firstline.demo.process import MARK

QUOTA_KIB = 512
STARTS = "starts"
OLD_LOGS = 5  # rotated log files that fill the quota
ACCOUNTS: dict[str, dict[str, Any]] = {
    "Mara Keller": {"locked": True, "reason": "wrong passwords", "failed_passwords": 5},
    "Jonas Brandt": {"locked": False, "reason": "", "failed_passwords": 0},
    "Irene Vogt": {"locked": True, "reason": "left the company", "failed_passwords": 0},
}


def install_shop(folder: Path, port: int) -> None:
    """Put the shop's settings and its start command in its folder. The command notes each start: a restart that ran
    twice would show."""
    settings = {"port": port, "quota_kib": QUOTA_KIB, "greeting": "Everything you need for the road."}
    (folder / "shop.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    command = shlex.join([sys.executable, "-I", "-S", app.__file__, str(folder), "--detach"])
    start = folder / "start"
    mark = shlex.quote(str(folder.parent))
    count = f"date >>{shlex.quote(str(folder / STARTS))}"
    start.write_text(f"#!/bin/sh\nset -e\nexport {MARK}={mark}\n{count}\nexec {command}\n", encoding="utf-8")
    start.chmod(0o755)


def install_accounts(folder: Path) -> None:
    (folder / "accounts.json").write_text(json.dumps(ACCOUNTS, indent=2) + "\n", encoding="utf-8")


def accounts(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((folder / "accounts.json").read_text(encoding="utf-8"))
    return found


def hang(shop: Path) -> int:
    """Stop the shop's process in its tracks: it keeps its port and answers nobody. Returns its process id."""
    hung = pid(shop)
    os.kill(hung, signal.SIGSTOP)
    return hung


def fill_logs(shop: Path) -> None:
    """Leave as many old logs as the quota allows, so that the next line does not fit."""
    for number in range(1, OLD_LOGS + 1):
        (shop / "logs" / f"access.log.{900 + number}").write_bytes(
            b"GET /old\n" * (QUOTA_KIB * 1024 // OLD_LOGS // 9 + 1)
        )


def break_settings(shop: Path) -> None:
    """Cut the settings off in the middle, as a full disk or a broken deployment does. No restart mends that."""
    path = shop / "shop.json"
    path.write_text(path.read_text(encoding="utf-8")[:20], encoding="utf-8")


def visits(shop: Path) -> int | None:
    """What the shop's cache holds: how many pages it served. None when the cache is gone."""
    path = shop / "cache" / "visits"
    return int(path.read_text(encoding="ascii")) if path.exists() else None


def pid(shop: Path) -> int:
    return int((shop / "shop.pid").read_text(encoding="ascii"))


def old_logs(shop: Path) -> int:
    return len(list((shop / "logs").glob("access.log.*")))


def starts(shop: Path) -> int:
    return len((shop / STARTS).read_text(encoding="ascii").splitlines())
