"""The log of a remediation, as it goes onto tickets: what each of its runs printed, head and tail, in the order they
began. All that one printed is in its full log (`firstline.remediation.run.log`)."""

from typing import Any

import sqlalchemy as sa

from firstline.remediation.note.output import excerpt
from firstline.store import Database
from firstline.store.table import RUN

LIMIT = 4 * 1024 * 1024  # characters: what people open, and every vendor takes as a file


async def log_of(database: Database, remediation_id: str) -> bytes:
    """The log as UTF-8 text, secrets masked; each run under a line that says what ran where, when, and how it ended,
    and what its full log is known by. Over `LIMIT` its head and tail. Empty when nothing ran."""
    runs = sa.select(RUN).where(RUN.c.remediation_id == remediation_id).order_by(RUN.c.begun_at, RUN.c.id)
    rows = await database.read(lambda connection: connection.execute(runs).mappings().all())
    return excerpt("\n".join(_told(row) for row in rows), LIMIT).encode("utf-8", "replace")


def _told(row: Any) -> str:
    took = f" after {(row['ended_at'] - row['begun_at']).total_seconds():.1f} s" if row["ended_at"] else ""
    status = f", exit status {row['exit_status']}" if row["exit_status"] is not None else ""
    detail = f", {row['detail']}" if row["detail"] else ""
    head = f"── {row['begun_at']:%Y-%m-%d %H:%M:%S} UTC  {row['phase']}: {row['name']} on {row['target']}"
    full = f"   full log: {row['log_size']} bytes, SHA-256 {row['log_digest']}\n" if row["log_digest"] else ""
    return f"{head}  ({row['state']}{took}{status}{detail})\n{full}{row['output'].rstrip()}\n"
