"""The outbox: what is to be written on other systems' records, each once, in order for each record.

A row is marked before its write is tried, so that after a crash the next try looks for what may already be there.
One process at a time sends; another takes over when it dies."""

import asyncio
import time
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from firstline.errors import FirstlineError, Unauthorized, Unavailable
from firstline.governor import Priority, alarm
from firstline.governor import connection as connections
from firstline.outbox import act, claim, settle
from firstline.remediation.context import Context
from firstline.remediation.runner import wait
from firstline.remediation.timeline import tell
from firstline.store.lease import Leases
from firstline.store.table import WRITE_BACK, now

log = structlog.get_logger()

LEASE = "write-back"
LOOK = 1.0
AWAKE = 1.0  # seconds since the claim in which this process can't have slept long enough to lose its lease
NEVER = float("-inf")
AT_ONCE = 4  # writes to one connection at the same time


class WriteBack:
    def __init__(self, context: Context, leases: Leases) -> None:
        self._context = context
        self._governor = context.governor
        self._leases = leases
        self._under_way: dict[str, tuple[str, str]] = {}  # by row: connection and record
        self._tasks: set[asyncio.Task[None]] = set()
        self._released = NEVER  # when it was last looked for what was cut short

    async def run(self) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                if await asyncio.to_thread(self._leases.take, LEASE):
                    await self.send_due()
            except sa.exc.DBAPIError:
                log.exception("write_back.database")
            await wait(self._context.writes, LOOK)

    async def close(self) -> None:
        """Let what is being sent end: a write cut short would have to be looked for."""
        await self.idle(5)
        await self._governor.close()

    async def idle(self, seconds: float | None = None) -> None:
        """Wait until what is being sent has ended, at most so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def send_due(self) -> int:
        """Begin every write that is due, whose record is free, and whose connection may be asked; gives how many."""
        await self._release()
        moment, begun = self._governor.clock(), 0
        for name in await self._context.database.read(partial(claim.waiting, moment=moment)):
            try:
                begun += await self._send_due_of(name)
            except sa.exc.DBAPIError:
                raise
            except Exception:  # a defect holds the connection it is met with, and no other
                log.exception("write_back.not_claimed", connection=name)
        return begun

    async def _send_due_of(self, name: str) -> int:
        busy = {record for where, record in self._under_way.values() if where == name}
        if len(busy) >= AT_ONCE or await self._governor.admit(name, Priority.WRITE):
            return 0
        room = (1 if self._governor.probing(name) else AT_ONCE) - len(busy)
        moment, url = self._governor.clock(), self._context.url
        next_ = partial(
            claim.claim, name=name, busy=busy, room=room, moment=moment, url=url, pages=name == self._governor.pager
        )
        claimed = time.monotonic()
        rows = await self._context.database.write(next_)
        if not rows:
            await self._governor.forgo(name)
        for row in rows:
            self._under_way[row["id"]] = (row["connection"], row["record"])
            task = asyncio.create_task(self._send(row, claimed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(rows)

    async def _release(self) -> None:
        """What is marked and not under way here was cut short: by the death of the process that sent before us, or
        because its end could not be kept."""
        if time.monotonic() - self._released < LOOK:
            return
        self._released = time.monotonic()
        under_way = list(self._under_way)
        if await self._context.database.read(partial(settle.cut_short, under_way=under_way)):
            await self._context.database.write(partial(settle.release, under_way=under_way))

    async def _send(self, row: claim.Row, claimed: float) -> None:
        try:
            if time.monotonic() - claimed < AWAKE or await self._may(row):
                await self._settle(row, await self._try(row))
        except Exception:  # it may have been written: looked for with the next look, as after a crash
            log.exception("write_back.not_settled", write_back=row["id"])
            self._released = NEVER
        finally:
            self._under_way.pop(row["id"], None)
            self._context.writes.set()

    async def _may(self, row: claim.Row) -> bool:
        """Whoever slept since the claim may have lost the lease, and another process may have sent it."""
        counts = await self._context.database.read(partial(settle.stands, row=row))
        leads = await asyncio.to_thread(self._leases.take, LEASE)
        if not (counts and leads):
            log.warning("write_back.lost", write_back=row["id"])
        return counts and leads

    async def _settle(self, row: claim.Row, values: dict[str, Any]) -> None:
        end = partial(settle.settle, row=row, values=values, pager=self._governor.pager, url=self._context.url)
        if not await self._context.database.write(end):
            log.warning("write_back.lost", write_back=row["id"], was=values["state"])
        elif values["state"] == "parked":
            log.error("write_back.parked", write_back=row["id"], connection=row["connection"], reason=values["reason"])

    async def _try(self, row: claim.Row) -> dict[str, Any]:
        """Write once; gives how the row goes on."""
        name = row["connection"]
        try:
            written = await act.write(self._context, row)
        except Unavailable as error:
            await self._governor.failed(name, error)
            seconds = connections.back_off(row["attempts"] - 1, error.retry_after)
            due = self._governor.clock() + timedelta(seconds=seconds)
            return {"state": "pending", "due_at": due, "reason": str(error)[:2000]}
        except Unauthorized as error:
            await self._governor.pause(name, str(error))
            return {"state": "pending", "reason": str(error)[:2000]}
        except FirstlineError as error:
            await self._governor.succeeded(name)
            return {"state": "parked", "reason": str(error)[:2000]}
        except Exception as error:  # a defect parks this write and lets the others go on
            log.exception("write_back.defect", write_back=row["id"])
            return {"state": "parked", "reason": f"a defect of Firstline: {type(error).__name__}: {error}"[:2000]}
        await self._governor.succeeded(name)
        done_at = self._governor.clock()
        return {"state": "done", "done_at": done_at, "reason": "", "written": written.model_dump(mode="json")}


async def retry(context: Context, write_back_id: str, person: str) -> bool:
    """Try a parked write again, because a person asked. False when it is not parked."""
    return await _take_up(context, write_back_id, {"state": "pending", "due_at": now(), "reason": ""}, person, "again")


async def discard(context: Context, write_back_id: str, person: str, reason: str) -> bool:
    """A parked write is not to be made any more, because a person says so. False when it is not parked."""
    values = {"state": "discarded", "done_at": now(), "reason": f"{person}: {reason}"[:2000]}
    return await _take_up(context, write_back_id, values, person, f"discarded: {reason}")


async def _take_up(context: Context, write_back_id: str, values: dict[str, Any], person: str, how: str) -> bool:
    def change(connection: sa.Connection) -> bool:
        parked = (WRITE_BACK.c.id == write_back_id, WRITE_BACK.c.state == "parked")
        found = connection.execute(sa.select(WRITE_BACK).where(*parked).with_for_update()).mappings().first()
        if found is None:
            return False
        row = dict(found)
        connection.execute(sa.update(WRITE_BACK).where(*parked).values(**values))
        alarm.mended(connection, context.governor.pager, row["connection"])
        record = row["reference"].get("number") or row["reference"]["id"]
        subject = row["remediation_id"] or f"connection:{row['connection']}"
        tell(connection, subject, "took up", f"{claim.said(row)} on {record}: {how}", actor=person)
        return True

    done = await context.database.write(change)
    context.writes.set()
    return done
