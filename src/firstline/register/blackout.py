"""What the registers say of times in which changes may be made, kept here so that guards need not ask."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from firstline.connector import Blackout, ChangeRegister
from firstline.errors import FirstlineError
from firstline.governor import Governor, Priority
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.table import BLACKOUT, BlackoutRow

log = structlog.get_logger()

AHEAD = timedelta(days=14)
EVERY = 900.0  # seconds between two looks


async def refresh(database: Database, registers: Mapping[str, ChangeRegister], governor: Governor) -> None:
    """Ask each register, by its connection, and keep what it tells of the next two weeks. Of one that does not answer
    the last ones stay; of one that is no longer there, none. Called by the clock."""
    await database.write(lambda connection: _forget(connection, set(registers)))
    for name, register in registers.items():
        since = governor.clock()
        try:
            async with governor.asking(name, Priority.POLL):
                told = await register.blackouts(since, since + AHEAD)
        except FirstlineError as error:
            log.warning("blackouts.not_told", connection=name, reason=str(error))
        except Exception:  # a defect of one connector takes no other's windows away
            log.exception("blackouts.defect", connection=name)
        else:
            await _keep(database, name, told, since)


async def _keep(database: Database, name: str, told: list[Blackout], seen_at: datetime) -> None:
    rows = [
        BlackoutRow(
            connection=name,
            blackout=window.model_dump(mode="json"),
            start=window.start,
            end=window.end,
            seen_at=seen_at,
        )
        for window in told
    ]

    def replace(connection: sa.Connection) -> None:
        connection.execute(sa.delete(BLACKOUT).where(BLACKOUT.c.connection == name))
        insert(connection, *rows)

    await database.write(replace)


def _forget(connection: sa.Connection, known: set[str]) -> None:
    connection.execute(sa.delete(BLACKOUT).where(BLACKOUT.c.connection.not_in(known)))
