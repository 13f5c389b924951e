"""What the ledger costs: entries beside plain inserts of the same bytes, and the verification of a million."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.benchmark import stage
from tests.benchmark.figure import tell

from firstline.ledger import record
from firstline.ledger.checkpoint import Signer
from firstline.ledger.facet import bind_new
from firstline.ledger.frontier import Frontier
from firstline.ledger.sequence import Sequencer, sequence, some_wait
from firstline.ledger.verify import verify
from firstline.settings import Hub, Settings
from firstline.store import Database, new_id
from firstline.store.database import insert, snapshot
from firstline.store.lease import Leases
from firstline.store.table import LEDGER, SwitchRow

ACTS = 1_000
ROUNDS = 3
ENTRIES = 1_000_000
BINDING = 2  # of so many entries one binds a row
BATCH = 10_000

TEXT = "matched the mapping web/restart: the page at https://shop.example.com does not answer"
FACTS = {"mapping": "web/restart", "mode": "auto", "trace": "incident.service == 'shop'"}
PLAIN = sa.Table(
    "plain", sa.MetaData(), sa.Column("id", sa.Text, primary_key=True), sa.Column("entry", sa.Text, nullable=False)
)


def run() -> None:
    _append("sqlite", "")
    with stage.postgres() as url:
        _append("postgresql", url)
    _verify()


def _append(name: str, url: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        database = Database(url or f"sqlite:///{scratch}/firstline.db")
        database.create()
        database.write_now(PLAIN.create)
        pairs = [asyncio.run(_round(database, Path(scratch))) for _ in range(ROUNDS)]
        database.close()
    ratio = median(entries / plain for entries, plain in pairs)
    tell(
        f"ledger entries, {name}",
        median(entries for entries, _ in pairs),
        "1/s",
        wanted="at least 0.5 of the yardstick",
        met=ratio >= 0.5,
        yardstick="plain inserts of the same bytes, each in a transaction as well",
        yardstick_value=median(plain for _, plain in pairs),
        ratio=ratio,
    )


async def _round(database: Database, scratch: Path) -> tuple[float, float]:
    """Entries a second, with their places, tiles and signed checkpoints; and rows a second."""
    leases = Leases(database)
    sequencer = Sequencer(database, leases, Settings(hub=Hub(state=scratch / "state")))
    sequencer.prepare()
    begun = time.perf_counter()
    running = asyncio.create_task(sequencer.run())
    for _ in range(ACTS):
        await database.write(partial(record, subject="bench", act="matched", text=TEXT, facts=FACTS))
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await sequencer.close()
    entries = ACTS / (time.perf_counter() - begun)
    leases.close()
    return entries, await _plain(database)


async def _plain(database: Database) -> float:
    last = sa.select(LEDGER.c.entry).order_by(LEDGER.c.id.desc()).limit(1)
    text = database.read_now(lambda connection: connection.execute(last).scalar_one())
    begun = time.perf_counter()
    for _ in range(ACTS):
        await database.write(partial(_insert, text=text))
    return ACTS / (time.perf_counter() - begun)


def _insert(connection: sa.Connection, text: str) -> None:
    connection.execute(sa.insert(PLAIN), {"id": new_id(), "entry": text})


def _verify() -> None:
    signer = Signer("bench/ledger", Ed25519PrivateKey.generate())
    with tempfile.TemporaryDirectory() as scratch:
        database = Database(f"sqlite:///{scratch}/firstline.db")
        database.create()
        _fill(database, signer)
        begun = time.perf_counter()
        verdict = database.read_now(partial(_whole, signer=signer))
        took = time.perf_counter() - begun
        database.close()
    if verdict.findings.count or verdict.entries != ENTRIES:
        raise RuntimeError(f"{verdict.entries} entries, {verdict.findings.told[:3]}")
    tell(
        f"verification of {ENTRIES:,} entries",
        took,
        "s",
        wanted="under 60",
        met=took < 60,
        yardstick=f"{verdict.rows:,} bound rows, {verdict.checkpoints:,} checkpoints, SQLite",
    )


def _whole(connection: sa.Connection, signer: Signer) -> Any:
    snapshot(connection)
    return verify(connection, [signer.verifier])


def _fill(database: Database, signer: Signer) -> None:
    numbers = count()
    for _ in range(0, ENTRIES, BATCH):
        database.write_now(lambda connection: _enter(connection, numbers))
    frontier = Frontier()
    while database.read_now(some_wait):
        frontier = database.write_now(partial(sequence, signer=signer, known=frontier))


def _enter(connection: sa.Connection, numbers: Iterator[int]) -> None:
    """Entries in their canonical form, past the column's type: masking is measured with the appends."""
    switches = [SwitchRow(scope=f"service:{next(numbers)}", by="bench", reason=TEXT) for _ in range(BATCH // BINDING)]
    insert(connection, *switches)
    bound = list(bind_new(connection, "switch", switches).items())
    entries = [_entry(dict(bound[n // BINDING : n // BINDING + 1] if n % BINDING == 0 else ())) for n in range(BATCH)]
    connection.exec_driver_sql("INSERT INTO fl_ledger (id, subject, entry) VALUES (?, ?, ?)", entries)


def _entry(rows: dict[str, str]) -> tuple[str, str, str]:
    made = {"act": "matched", "at": "2026-11-23T06:40:00.123456Z", "by": "firstline", "facts": FACTS, "id": new_id()}
    text = orjson.dumps({**made, "rows": rows, "subject": "bench", "text": TEXT}, option=orjson.OPT_SORT_KEYS).decode()
    return str(made["id"]), "bench", text
