"""Webhooks accepted a second, durably, beside the same process that answers after the HMAC and stores nothing."""

import asyncio
import tempfile
from pathlib import Path
from statistics import median

from tests.benchmark import stage
from tests.benchmark.figure import tell
from tests.benchmark.load import flood, webhook

COUNT = 8_000
ROUNDS = 3


def run() -> None:
    _compare("sqlite", "")
    with stage.postgres() as url:
        _compare("postgresql", url)


def _compare(name: str, database: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        storing, forgetting = Path(scratch, "storing"), Path(scratch, "forgetting")
        with stage.hub(storing, database=database) as hub, stage.hub(forgetting, "--forget") as yardstick:
            pairs = [(_rate(hub, round_), _rate(yardstick, round_)) for round_ in range(ROUNDS)]
    accepted, answered = median(a for a, _ in pairs), median(b for _, b in pairs)
    ratio = median(a / b for a, b in pairs)
    tell(
        f"webhooks accepted, {name}",
        accepted,
        "1/s",
        wanted="at least 0.5 of the yardstick",
        met=ratio >= 0.5,
        yardstick="the same process after the HMAC, storing nothing",
        yardstick_value=answered,
        ratio=ratio,
    )


def _rate(hub: stage.Running, round_: int) -> float:
    requests = [webhook(round_ * COUNT + number) for number in range(COUNT)]
    return asyncio.run(flood(hub.port, requests))
