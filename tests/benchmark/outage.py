"""What the outage of one vendor costs the others: from the webhook to the note that says how it ended."""

import tempfile
import time
from collections import defaultdict
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

ROUNDS = 4  # calm and outage in turn, so that whatever else the machine does falls on both
EACH = 30  # incidents of a vendor in a round
EVERY = 0.5  # seconds between two of them
BURST = 15  # incidents whose writes are under way when their vendor stops answering
PATIENCE = 600.0

WAYS = dict.fromkeys(VENDORS, "push")
Waits = defaultdict[str, list[float]]  # by vendor, in seconds


def run() -> None:
    with tempfile.TemporaryDirectory() as scratch, staged(Path(scratch, "outage"), WAYS) as stage:
        for name in VENDORS:
            stage.start_vendor(name, {})
        stage.start_hub()
        stage.await_vendors()
        stage.await_hub()
        _round(stage, "warm", list(VENDORS), defaultdict(list))
        for down in VENDORS:
            _without(stage, down)
        if found := wrong(stage):
            raise RuntimeError("; ".join(found[:10]))


def _without(stage: Stage, down: str) -> None:
    calm_waits: Waits = defaultdict(list)
    waits: Waits = defaultdict(list)
    others = [name for name in VENDORS if name != down]
    for number in range(ROUNDS):
        _round(stage, f"before {down} {number}", list(VENDORS), calm_waits)
        _burst(stage, down, number)
        stage.freeze(down)
        _round(stage, f"without {down} {number}", others, waits)
        stage.thaw(down)
        _settle(stage)
    for name in others:
        _tell(down, name, quantile(waits[name], 0.95), quantile(calm_waits[name], 0.95))


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


def _burst(stage: Stage, name: str, number: int) -> None:
    with httpx.Client(base_url=stage.url(name), trust_env=False, timeout=30) as http:
        for one in range(BURST):
            VENDORS[name].raise_incident(http, f"{PLAIN} burst {number} {one}")


def _round(stage: Stage, title: str, names: list[str], waits: Waits) -> None:
    """Raise incidents at a steady pace, and add how long each waited."""
    with ThreadPoolExecutor(len(names)) as pool:
        for one in [pool.submit(_pace, stage.url(name), VENDORS[name], f"{PLAIN} {title}") for name in names]:
            one.result()
    for name in names:
        waits[name] += eventually(partial(_waits, stage, name, f"{PLAIN} {title} "), PATIENCE)


def _pace(url: str, vendor: Vendor, title: str) -> None:
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
        begin = time.monotonic()
        for number in range(EACH):
            time.sleep(max(0.0, begin + number * EVERY - time.monotonic()))
            vendor.raise_incident(http, f"{title} {number}")


def _waits(stage: Stage, name: str, title: str) -> list[float] | None:
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
    rows = [row for row in stage.rows(query) if row.incident["title"].startswith(title)]
    if len(rows) < EACH:
        return None
    return [(row.done_at - row.received_at).total_seconds() for row in rows]


def _settle(stage: Stage) -> None:
    total = sum(len(list(vendor.kept(stage.state(vendor.name)))) for vendor in stage.vendors)
    eventually(partial(calm, stage, total), PATIENCE)
