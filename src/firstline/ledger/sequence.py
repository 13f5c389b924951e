"""Gives entries their place in the tree, in batches, each with a signed checkpoint. One process at a time does it."""

import asyncio
from functools import partial

import sqlalchemy as sa
import structlog

from firstline.ledger.checkpoint import Signer, Untrue, read
from firstline.ledger.entry import record
from firstline.ledger.folder import Folder
from firstline.ledger.frontier import Frontier
from firstline.ledger.key import folder, signer
from firstline.ledger.tile import Tiles, keep
from firstline.ledger.tree import leaf_hash
from firstline.settings import Settings
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.lease import Leases
from firstline.store.table import CHECKPOINT, LEDGER, CheckpointRow

log = structlog.get_logger()

LEASE = "ledger"
LOOK = 1.0  # seconds: an entry is in a signed tree after about this time
AFTER_UNTRUE = 60.0  # seconds between two looks at a tree that may not be gone on with
BATCH = 1000  # entries: others wait for the database meanwhile


class Sequencer:
    def __init__(self, database: Database, leases: Leases, settings: Settings) -> None:
        self._database = database
        self._leases = leases
        self._settings = settings
        self._folder: Folder = folder(settings)
        self._signer: Signer | None = None
        self._compared = False
        self._frontier = Frontier()

    def prepare(self) -> None:
        """Read the key, or make it. Raises `Misdeclared`."""
        self._signer = signer(self._settings)

    async def run(self) -> None:
        """Give places for ever."""
        while True:
            try:
                await self.sequence()
            except (sa.exc.DBAPIError, OSError):
                log.exception("ledger.not_sequenced")
            except Untrue as error:  # a person has to look; signed over, it could no longer be told
                log.error("ledger.untrue", reason=str(error))  # noqa: TRY400 - no defect of ours
                await asyncio.sleep(AFTER_UNTRUE)
            await asyncio.sleep(LOOK)

    async def sequence(self) -> None:
        """Give all entries that are there a place, unless another process does it, or this one is not prepared. Raises
        `Untrue` when the tree is not the one that was signed."""
        if self._signer is None or not await asyncio.to_thread(self._leases.take, LEASE):
            return
        if not self._compared:
            await self._begin(self._signer)
        while await self._database.read(some_wait):
            before = self._frontier.size if self._frontier is not None else 0
            act = partial(sequence, signer=self._signer, known=self._frontier)
            self._frontier = await self._database.write(act)
            await self._keep()
            if self._frontier.size - before < BATCH:
                return  # what came meanwhile waits for the next look: a checkpoint for each entry would halve the pace

    async def close(self) -> None:
        """Give a place to what was entered since the last look."""
        try:
            await self.sequence()
        except (sa.exc.DBAPIError, OSError, Untrue):  # the next start goes on with it
            log.exception("ledger.not_sequenced")

    async def _begin(self, signer: Signer) -> None:
        """Whether this is the tree that was signed here before, and by whom it is signed from here on."""
        await self._database.read(self._compare)
        await self._keep()
        if await asyncio.to_thread(self._folder.know, signer.verifier):
            words = f"checkpoints are signed with {signer.verifier} from here on"
            facts = {"verifier": str(signer.verifier)}
            await self._database.write(partial(record, subject="ledger", act="signs", text=words, facts=facts))
        self._compared = True

    def _compare(self, connection: sa.Connection) -> None:
        last, size = self._folder.last(), _size(connection)
        if last and (last.size > size or Tiles(connection).root(last.size) != last.root):
            raise Untrue(
                f"the last checkpoint in {self._folder.all} is of {last.size} entries, and the database, with {size}, "
                "does not hold them: it was changed, or is an older copy. `firstline audit verify` says more"
            )

    async def _keep(self) -> None:
        """The checkpoints that are not in the folder yet: a crash may have come between."""
        last = await asyncio.to_thread(self._folder.last)
        fresh = await self._database.read(partial(_since, size=last.size if last else -1))
        await asyncio.to_thread(self._folder.keep, fresh)


def some_wait(connection: sa.Connection) -> bool:
    return connection.execute(sa.select(LEDGER.c.id).where(LEDGER.c.position.is_(None)).limit(1)).first() is not None


def sequence(connection: sa.Connection, signer: Signer, known: Frontier) -> Frontier:
    """Give the next batch of entries its places, and sign the tree; gives its frontier. `known`: the frontier after the
    last batch of this process; where another has gone on, it is read anew."""
    _alone(connection)
    size = _size(connection)
    if size < known.size:
        raise Untrue(f"checkpoints were taken away: there was one of {known.size} entries, the last is of {size}")
    frontier = known.copy() if known.size == size else _frontier(connection)
    waiting = sa.select(LEDGER.c.id, LEDGER.c.entry).where(LEDGER.c.position.is_(None)).order_by(LEDGER.c.id)
    entries = [(id_, leaf_hash(entry.encode())) for id_, entry in connection.execute(waiting.limit(BATCH))]
    if not entries:
        return frontier
    _place(connection, frontier.size, entries)
    keep(connection, frontier.extend(leaf for _, leaf in entries))
    insert(connection, CheckpointRow(size=frontier.size, note=signer.sign(frontier.size, frontier.root)))
    return frontier


def _alone(connection: sa.Connection) -> None:
    """The lease alone does not keep two apart: who slept may have lost it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE fl_checkpoint IN EXCLUSIVE MODE"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _place(connection: sa.Connection, first: int, entries: list[tuple[str, bytes]]) -> None:
    statement = sa.update(LEDGER).where(LEDGER.c.id == sa.bindparam("entry_id"))
    connection.execute(
        statement.values(position=sa.bindparam("place"), hash=sa.bindparam("leaf")),
        [{"entry_id": id_, "place": first + n, "leaf": leaf} for n, (id_, leaf) in enumerate(entries)],
    )


def _frontier(connection: sa.Connection) -> Frontier:
    """Of the tree that was signed last. Raises `Untrue` when another is stored."""
    note = connection.execute(sa.select(CHECKPOINT.c.note).order_by(CHECKPOINT.c.size.desc()).limit(1)).scalar()
    if note is None:
        return Frontier()
    signed = read(note)
    found = Tiles(connection).frontier(signed.size)
    if found.root != signed.root:
        raise Untrue(f"the stored tree of {signed.size} entries is not the one that was signed")
    return found


def _size(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.max(CHECKPOINT.c.size))).scalar() or 0


def _since(connection: sa.Connection, size: int) -> list[str]:
    query = sa.select(CHECKPOINT.c.note).where(CHECKPOINT.c.size > size).order_by(CHECKPOINT.c.size)
    return list(connection.execute(query).scalars())
