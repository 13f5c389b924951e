"""What the hub itself knows of a connection's health: the other half of what its connector finds at the vendor."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from firstline.connector import Finding
from firstline.intake import source
from firstline.settings import Intake
from firstline.store.table import BUDGET, CONNECTION, WRITE_BACK, now

LATE = 3  # polls that may be missed before it is a finding
MISSED = "remove this webhook at the vendor, then `firstline connect` makes one and shows its secret"


def findings(connection: sa.Connection, name: str, intake: Intake) -> list[Finding]:
    """About a connection's use by the hub. Nothing of a hub that never ran."""
    kept = source.read(connection, name)
    return [
        *_use(connection, name),
        *(_poll(kept, intake) if intake.polls else ()),
        *(_hook(kept, name) if intake.pushes else ()),
        *_budget(connection, name),
        *_parked(connection, name),
    ]


def _use(connection: sa.Connection, name: str) -> Iterator[Finding]:
    row = connection.execute(sa.select(CONNECTION).where(CONNECTION.c.name == name)).mappings().first()
    if row is not None and row["paused_at"] is not None:
        mend = f"mend the sign-in, then POST /api/v1/connections/{name}/resume, or restart the hub"
        yield Finding(ok=False, subject="use", message=f"paused: {row['reason']}", mend=mend)
    elif row is not None and row["rests_until"] is not None and row["rests_until"] > now():
        message = f"rests until {row['rests_until']:%H:%M:%S} UTC after {row['failures']} failures in a row"
        yield Finding(ok=False, subject="use", message=message, mend="nothing to do if the vendor recovers")


def _poll(kept: dict[str, Any], intake: Intake) -> Iterator[Finding]:
    if not kept or (kept["polled_at"] is None and not kept["trouble"]):
        return
    mend = "see the reason; `firstline serve` polls, and its log says more"
    if kept["trouble"]:
        yield Finding(ok=False, subject="poll", message=f"the last one failed: {kept['trouble']}", mend=mend)
        return
    age = now() - kept["polled_at"]
    well = age < timedelta(seconds=LATE * intake.every + 60)
    yield Finding(ok=well, subject="poll", message=f"last at {kept['polled_at']:%Y-%m-%d %H:%M:%S} UTC", mend=mend)


def _hook(kept: dict[str, Any], name: str) -> Iterator[Finding]:
    if not kept:
        return
    missed = (kept["registration"] or {}).get("secret_missed_at")
    if missed and (kept["pushed_at"] is None or kept["pushed_at"] < datetime.fromisoformat(missed)):
        message = f"{kept['registration']['id']} was gone and was made anew; its secret is known to nobody"
        yield Finding(ok=False, subject="webhook's secret", message=message, mend=MISSED)
    if kept["silent_since"] is not None:
        message = f"silent since {kept['silent_since']:%Y-%m-%d %H:%M:%S} UTC: only polls bring its events"
        yield Finding(ok=False, subject="webhook's arrivals", message=message, mend=f"firstline connect {name}")
    elif kept["pushed_at"] is not None:
        message = f"last at {kept['pushed_at']:%Y-%m-%d %H:%M:%S} UTC"
        yield Finding(ok=True, subject="webhook's arrivals", message=message)


def _budget(connection: sa.Connection, name: str) -> Iterator[Finding]:
    row = connection.execute(sa.select(BUDGET).where(BUDGET.c.connection == name)).mappings().first()
    if row is None or row["limit"] is None or now() > row["began_at"] + timedelta(seconds=row["window"]):
        return
    left = max(0, row["limit"] - row["used"])
    message = f"{left} of {row['limit']} requests are left in this window of {row['window']:.0f} s"
    mend = "give the connection a larger limit at the vendor, or poll less often (intake.every)"
    yield Finding(ok=left * 10 > row["limit"], subject="budget of requests", message=message, mend=mend)


def _parked(connection: sa.Connection, name: str) -> Iterator[Finding]:
    query = sa.select(sa.func.count()).where(WRITE_BACK.c.state == "parked", WRITE_BACK.c.connection == name)
    count = connection.scalar(query) or 0
    if count:
        mend = "read each reason at /api/v1/write-backs?state=parked, mend it, and retry it there"
        yield Finding(ok=False, subject="parked writes", message=f"{count} wait for a person", mend=mend)
