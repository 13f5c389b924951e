"""A storm of incidents through faults and kills, until all is calm again."""

import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
from tests.soak.pack import COVERED, PLAIN
from tests.soak.stage import Stage
from tests.soak.vendor import Vendor
from tests.soak.verdict import wrong

from firstline.chaos import Chaos
from firstline.incident import OPENED
from firstline.store.table import DELIVERY, EVENT, REMEDIATION, WRITE_BACK
from firstline.testing.patience import eventually

EACH_COVERED = 10  # every so many incidents need a change
PROGRESS = 0.8  # the last kill comes when this share of the incidents is done


@dataclass
class Outcome:
    """`wrong` is empty when all went as promised."""

    wrong: list[str]
    seconds: float
    incidents: dict[str, int]  # by vendor
    faults: dict[str, dict[str, int]]  # by vendor and kind: how many were made


@dataclass(frozen=True)
class Storm:
    """`count` incidents at each vendor; `share` of all requests and webhooks meet each kind of fault; the hub is killed
    so often, at moments that the seed chooses by how much is done. `patience`: seconds that anything may take."""

    count: int
    share: float
    kills: int
    seed: int
    patience: float
    without: tuple[str, ...] = ()  # kinds of faults that are left out

    def run(self, stage: Stage) -> Outcome:
        began = time.monotonic()
        for vendor in stage.vendors:
            stage.start_vendor(vendor.name, self._chaos())
        stage.start_hub()
        stage.await_vendors()
        with self._raised(stage) as raising:
            self._kill(stage)
            for one in raising:
                one.result(self.patience)
        stage.await_hub()
        faults = {vendor.name: stage.chaos(vendor.name, {}) for vendor in stage.vendors}
        there = {vendor.name: len(list(vendor.kept(stage.state(vendor.name)))) for vendor in stage.vendors}
        for name, count in there.items():  # brings what no way in has told: its webhook was lost
            eventually(partial(_proved, stage, name, count), self.patience)
        eventually(partial(calm, stage, sum(there.values())), self.patience)
        return Outcome([*wrong(stage), *_unproved(stage, there)], time.monotonic() - began, there, faults)

    def _chaos(self) -> Mapping[str, Any]:
        kinds = [kind for kind in (*Chaos.REQUEST, *Chaos.HOOK) if kind not in self.without]
        return dict.fromkeys(kinds, self.share) | {"seed": self.seed, "slow_seconds": 0.5}

    @contextmanager
    def _raised(self, stage: Stage) -> Iterator[list[Future[None]]]:
        """Raise the incidents at all vendors at once, while the block lasts."""
        with ThreadPoolExecutor(len(stage.vendors)) as pool:
            yield [pool.submit(self._raise, stage.url(vendor.name), vendor) for vendor in stage.vendors]

    def _raise(self, url: str, vendor: Vendor) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as http:
            for number in range(self.count):
                covered = vendor.changes and number % EACH_COVERED == 0
                vendor.raise_incident(http, f"{COVERED if covered else PLAIN} {number:05d}")

    def _kill(self, stage: Stage) -> None:
        chance = random.Random(self.seed)
        total = self.count * len(stage.vendors)
        moments = sorted(chance.uniform(0, PROGRESS * total) for _ in range(self.kills))
        for moment in moments:
            eventually(partial(_done, stage, moment), self.patience)
            stage.kill_hub()
            stage.start_hub()
            if chance.random() < 3 / 4:  # else the next kill may come while it starts
                stage.await_hub()


def _done(stage: Stage, moment: float) -> bool:
    return stage.count(REMEDIATION, REMEDIATION.c.stage == "ended") >= moment


def _proved(stage: Stage, name: str, count: int) -> bool:
    """Not while the connection still rests after the last faults, or the newest can't be seen yet."""
    proof = stage.reconcile(name)
    return not proof["trouble"] and bool(proof["there"] == count)


def _unproved(stage: Stage, there: Mapping[str, int]) -> Iterator[str]:
    """What the hub's own proof of completeness says, where it is not that all is here."""
    for name, count in there.items():
        proof = stage.reconcile(name)
        if (proof["there"], proof["seen"], proof["trouble"]) != (count, count, ""):
            yield f"{name}: {count} are there; the reconciliation says {proof}"


def calm(stage: Stage, total: int) -> bool:
    """All is seen, and nothing is under way any more."""
    return (
        stage.count(EVENT, EVENT.c.type == OPENED) >= total
        and not stage.count(DELIVERY, DELIVERY.c.state == "new")
        and not stage.count(REMEDIATION, REMEDIATION.c.stage != "ended")
        and not stage.count(WRITE_BACK, WRITE_BACK.c.state.in_(("pending", "sending")))
    )
