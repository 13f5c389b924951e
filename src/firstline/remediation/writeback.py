"""The outbox: what is to be written on other systems' records, each once, in order for each record.

A row is marked before its write is tried, so that after a crash the next try looks for what may already be there.
One process at a time sends; another takes over when it dies."""

import asyncio
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.connector import Connector, Note, StateChange
from firstline.errors import FirstlineError, Rejected, Unauthorized, Unavailable
from firstline.incident import Reference
from firstline.remediation import connection as connections
from firstline.remediation.context import Context
from firstline.remediation.report import ChangeMove
from firstline.remediation.runner import wait
from firstline.remediation.timeline import tell
from firstline.store.lease import Leases
from firstline.store.table import WRITE_BACK, now

log = structlog.get_logger()

LEASE = "write-back"
LOOK = 1.0
AT_ONCE = 4  # writes to one connection at the same time


class WriteBack:
    def __init__(self, context: Context, leases: Leases) -> None:
        self._context = context
        self._leases = leases
        self._leads = False
        self._busy: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                if await asyncio.to_thread(self._leases.take, LEASE):
                    await self._lead()
                    await self.send_due()
                else:
                    self._leads = False
            except sa.exc.DBAPIError:
                log.exception("write_back.database")
            await wait(self._context.writes, LOOK)

    async def close(self) -> None:
        """Let what is being sent end: a write cut short would have to be looked for."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def send_due(self) -> None:
        """Begin every write that is due and whose record is free."""
        busy = frozenset(self._busy)
        for row in await self._context.database.write(lambda connection: _claim(connection, busy)):
            self._busy.add((row["connection"], row["record"]))
            task = asyncio.create_task(self._send(row))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _lead(self) -> None:
        if self._leads:
            return
        # The process that sent before us is dead, or we could not settle: what was begun may or may not have arrived.
        # What is being sent now is in `_busy`, and settles itself.
        left = sa.update(WRITE_BACK).where(WRITE_BACK.c.state == "sending").values(state="pending")
        await self._context.database.write(lambda connection: connection.execute(left))
        self._leads = True

    async def _send(self, row: Any) -> None:
        try:
            values = await self._try(row)
            await self._context.database.write(lambda connection: _settle(connection, row, values))
            self._context.writes.set()
        except Exception:  # it may have been written: looked for with the next look, as after a crash
            log.exception("write_back.not_settled", write_back=row["id"])
            self._leads = False
        finally:
            self._busy.discard((row["connection"], row["record"]))

    async def _try(self, row: Any) -> dict[str, Any]:
        """Write once; gives how the row goes on."""
        try:
            written = await self._write(self._context.connector(row["connection"]), row)
        except Unavailable as error:
            seconds = connections.back_off(row["attempts"], error.retry_after)
            return {"state": "pending", "due_at": now() + timedelta(seconds=seconds), "reason": str(error)[:2000]}
        except Unauthorized as error:
            await connections.pause(self._context.database, row["connection"], str(error))
            return {"state": "pending", "reason": str(error)[:2000]}
        except FirstlineError as error:
            return {"state": "parked", "reason": str(error)[:2000]}
        except Exception as error:  # a defect parks this write and lets the others go on
            log.exception("write_back.defect", write_back=row["id"])
            return {"state": "parked", "reason": f"a defect of Firstline: {type(error).__name__}: {error}"[:2000]}
        return {"state": "done", "done_at": now(), "reason": "", "written": written.model_dump(mode="json")}

    async def _write(self, connector: Connector[Any], row: Any) -> Reference:
        reference = Reference.model_validate(row["reference"])
        if row["act"] == "note":
            note = Note.model_validate({**row["body"], "tried": row["attempts"] > 0})
            return await connector.write_note(reference, note)
        if row["act"] == "state":
            await connector.set_state(reference, StateChange.model_validate(row["body"]))
            return reference
        if row["act"] == "change":
            move = ChangeMove.model_validate(row["body"])
            await self._context.register(row["connection"]).move(reference, move.to, move.evidence)
            return reference
        raise Rejected(f"no write-back is called {row['act']!r}")


async def retry(context: Context, write_back_id: str) -> bool:
    """Try a parked write again, because a person asked. False when it is not parked."""
    row = sa.update(WRITE_BACK).where(WRITE_BACK.c.id == write_back_id, WRITE_BACK.c.state == "parked")
    values = row.values(state="pending", due_at=now(), reason="")
    done = await context.database.write(lambda connection: connection.execute(values).rowcount == 1)
    context.writes.set()
    return done


def _claim(connection: sa.Connection, busy: frozenset[tuple[str, str]]) -> list[Any]:
    waiting = sa.select(WRITE_BACK.c.connection).where(WRITE_BACK.c.state == "pending").distinct()
    usable = set(connection.execute(waiting).scalars()) - connections.paused(connection)
    claimed = [
        row for name in usable for row in _due(connection, name, {record for where, record in busy if where == name})
    ]
    values = {"state": "sending", "attempts": WRITE_BACK.c.attempts + 1}
    ids = [row["id"] for row in claimed]
    if ids:
        connection.execute(sa.update(WRITE_BACK).where(WRITE_BACK.c.id.in_(ids)).values(**values))
    return claimed


def _due(connection: sa.Connection, name: str, busy: set[str]) -> list[Any]:
    """The next of one connection, each the earliest of its record, also where that one has to wait. Each connection
    is asked for its own: what one can't take holds no other."""
    earlier = sa.alias(WRITE_BACK)
    waits = sa.exists().where(
        earlier.c.connection == name,
        earlier.c.record == WRITE_BACK.c.record,
        earlier.c.state == "pending",
        earlier.c.id < WRITE_BACK.c.id,
    )
    due = (
        sa.select(WRITE_BACK)
        .where(WRITE_BACK.c.state == "pending", WRITE_BACK.c.connection == name, WRITE_BACK.c.due_at <= now())
        .where(WRITE_BACK.c.record.not_in(busy), ~waits)
        .order_by(WRITE_BACK.c.id)
        .limit(max(0, AT_ONCE - len(busy)))
    )
    return list(connection.execute(due).mappings().all())


def _settle(connection: sa.Connection, row: Any, values: dict[str, Any]) -> None:
    connection.execute(sa.update(WRITE_BACK).where(WRITE_BACK.c.id == row["id"]).values(**values))
    record = row["reference"].get("number") or row["reference"]["id"]
    if values["state"] == "done":
        tell(connection, row["remediation_id"], "wrote", f"{_said(row)} on {record} in {row['connection']}")
    elif values["state"] == "parked":
        tell(connection, row["remediation_id"], "parked", f"{_said(row)} on {record} was refused: {values['reason']}")


def _said(row: Any) -> str:
    if row["act"] == "note":
        return "Note"
    return f"{'State' if row['act'] == 'state' else 'Change to'} {row['body']['to']}"
