"""`firstline audit verify`, on what the demo has left, and on a copy that somebody has edited."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import anyio

from firstline import settings
from firstline.demo.claim import Proof
from firstline.demo.stage import FIRSTLINE

INTACT, FOUND = 0, 1  # exit statuses
SIGNED = ("key.pub", "checkpoint", "checkpoints")  # what a verifier needs of state/ledger; not the private key
EDIT = """UPDATE fl_remediation SET approved_by = 'somebody else'
WHERE id = (SELECT max(id) FROM fl_remediation WHERE ended_at IS NOT NULL) RETURNING id"""


@dataclass(frozen=True)
class Audit:
    """What the command said. `edited`: the id of the row that was edited before, empty where none was."""

    status: int
    text: str
    edited: str = ""


def prove(intact: Audit, edited: Audit) -> Iterator[Proof]:
    yield Proof(
        "`firstline audit verify` finds the ledger intact",
        intact.status == INTACT and "intact: " in intact.text,
        intact.text,
    )
    named = edited.status == FOUND and bool(edited.edited) and edited.edited in edited.text
    yield Proof("in a copy with one edited row it finds and names that row", named, edited.text)


async def verify(folder: Path, edited: str = "") -> Audit:
    command = [*FIRSTLINE, "audit", "verify", "--folder", str(folder)]
    done = await anyio.run_process(command, check=False, env=dict(os.environ))
    return Audit(done.returncode, (done.stdout + done.stderr).decode().strip(), edited)


async def verify_edited(folder: Path, copy: Path) -> Audit:
    """On a copy in which somebody has made it look as if another had approved the newest remediation."""
    return await verify(copy, await anyio.to_thread.run_sync(_edit, folder, copy))


def _edit(folder: Path, copy: Path) -> str:
    """The hub may go on meanwhile: what it signs is copied first, so that no checkpoint is ahead of its database."""
    loaded = settings.load(folder)
    for path in (folder / settings.FILE, *(loaded.state / "ledger" / name for name in SIGNED)):
        there = copy / path.relative_to(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)
    path = Path(loaded.database.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy / path.relative_to(folder))) as target:
        source.backup(target)
        with target:
            rows = target.execute(EDIT).fetchall()
    return str(rows[0][0]) if rows else ""
