"""Logs of runs that have ended are packed, and taken away when they are old."""

import asyncio
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from firstline.remediation.run.log import pack
from firstline.store import Database
from firstline.store.table import REMEDIATION

MANY = 500  # remediations asked for at a time


async def sweep(database: Database, folder: Path, before: datetime) -> None:
    """Look through the folder of all logs. Those of a remediation that has ended are packed; of one that ended before
    that time, or that nobody knows and nobody has touched since, removed."""
    found = await asyncio.to_thread(_subfolders, folder)
    for at in range(0, len(found), MANY):
        part = found[at : at + MANY]
        ids = [each.name for each in part]
        query = sa.select(REMEDIATION.c.id, REMEDIATION.c.ended_at).where(REMEDIATION.c.id.in_(ids))
        rows = await database.read(lambda connection, query=query: connection.execute(query).all())  # type: ignore[misc]
        await asyncio.to_thread(_tidy, part, {row.id: row.ended_at for row in rows}, before)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def _tidy(folders: list[Path], ends: dict[str, datetime | None], before: datetime) -> None:
    for each in folders:
        ended = ends[each.name] if each.name in ends else _touched(each)
        if ended is None:
            continue
        if ended < before:
            shutil.rmtree(each, ignore_errors=True)
        elif each.name in ends:
            with suppress(FileNotFoundError):  # another hub does the same
                _pack(each)


def _touched(folder: Path) -> datetime:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)


def _pack(folder: Path) -> None:
    for each in folder.iterdir():
        if each.name.startswith("."):
            each.unlink(missing_ok=True)  # the draft of a process that died
        elif each.suffix == ".log":
            pack(each)
