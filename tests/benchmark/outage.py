"""What the outage of one vendor costs the others: from the webhook to the note that says how it ended."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import sqlalchemy as sa
from tests.benchmark.figure import quantile, tell
from tests.soak.pack import PLAIN
from tests.soak.stage import Stage, staged
from tests.soak.storm import calm
from tests.soak.vendor import VENDORS, Vendor
from tests.soak.verdict import FINAL, wrong

from firstline.incident import OPENED
from firstline.store.table import DELIVERY, EVENT, REMEDIATION, WRITE_BACK
from firstline.testing.patience import eventually

EACH = 60  # incidents of a vendor in a round
EVERY = 0.5  # seconds between two of them
BURST = 30  # incidents whose writes are under way when their vendor stops answering
PATIENCE = 600.0


def run() -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        staged(Path(scratch, "outage"), dict.fromkeys(VENDORS, "push")) as stage,
    ):
        for name in VENDORS:
            stage.start_vendor(name, {})
        stage.start_hub()
        stage.await_hub()
        _round(stage, "warm", list(VENDORS), 10)
        calmly = _round(stage, "calm", list(VENDORS), EACH)
        for down in VENDORS:
            _burst(stage, down)
            stage.freeze(down)
            during = _round(stage, f"without {down}", [name for name in VENDORS if name != down], EACH)
            stage.thaw(down)
            _settle(stage)
            for name, seconds in during.items():
                _tell(down, name, seconds, calmly[name])
        if found := wrong(stage):
            raise RuntimeError("; ".join(found[:10]))


def _tell(down: str, name: str, seconds: float, calmly: float) -> None:
    ratio = seconds / calmly
    about = {"yardstick": "the same pace with all vendors well", "yardstick_value": calmly * 1000}
    tell(
        f"webhook to outcome note at {name} while {down} is out, p95",
        seconds * 1000,
        "ms",
        wanted="at most 1.5 of the yardstick",
        met=ratio <= 1.5,
        ratio=ratio,
        **about,
    )


def _burst(stage: Stage, name: str) -> None:
    with httpx.Client(base_url=stage.url(name), trust_env=False, timeout=30) as http:
        for number in range(BURST):
            VENDORS[name].raise_incident(http, f"{PLAIN} burst {number}")


def _round(stage: Stage, title: str, names: list[str], count: int) -> dict[str, float]:
    """The p95 of each vendor, in seconds, of incidents raised at a steady pace."""
    with ThreadPoolExecutor(len(names)) as pool:
        raised = [pool.submit(_pace, stage.url(name), VENDORS[name], f"{PLAIN} {title}", count) for name in names]
        for one in raised:
            one.result()
    return {name: quantile(eventually(partial(_waits, stage, name, title, count), PATIENCE), 0.95) for name in names}


def _pace(url: str, vendor: Vendor, title: str, count: int) -> None:
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        begin = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, begin + number * EVERY - time.monotonic()))
            vendor.raise_incident(http, f"{title} {number}")


def _waits(stage: Stage, name: str, title: str, count: int) -> list[float] | None:
    """Seconds from each webhook of a round to its last note; None while some are missing."""
    ended = sa.or_(*(WRITE_BACK.c.key == REMEDIATION.c.id + f".{last}" for last in FINAL))
    query = (
        sa.select(DELIVERY.c.received_at, WRITE_BACK.c.done_at, REMEDIATION.c.incident)
        .join_from(EVENT, DELIVERY, EVENT.c.delivery_id == DELIVERY.c.id)
        .join(REMEDIATION, REMEDIATION.c.event_id == EVENT.c.id)
        .join(WRITE_BACK, sa.and_(WRITE_BACK.c.remediation_id == REMEDIATION.c.id, ended))
        .where(EVENT.c.connection == name, EVENT.c.type == OPENED)
        .where(REMEDIATION.c.stage == "ended", WRITE_BACK.c.state == "done")
    )
    rows = [row for row in stage.rows(query) if row.incident["title"].startswith(f"{PLAIN} {title} ")]
    if len(rows) < count:
        return None
    return [(row.done_at - row.received_at).total_seconds() for row in rows]


def _settle(stage: Stage) -> None:
    total = sum(len(list(vendor.kept(stage.state(vendor.name)))) for vendor in stage.vendors)
    eventually(partial(calm, stage, total), PATIENCE)
