"""Whether anybody has edited what the ledger tells: entries, tree, checkpoints, and the rows that entries bind."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa

from firstline.ledger.bound import Bound
from firstline.ledger.checkpoint import Checkpoint, Untrue, Verifier
from firstline.ledger.claim import claims
from firstline.ledger.finding import Findings
from firstline.ledger.tile import Tiles
from firstline.ledger.tree import leaf_hash, verify_inclusion
from firstline.ledger.walk import Walk
from firstline.store.table import LEDGER


@dataclass(frozen=True)
class Verdict:
    entries: int  # with a place in the tree
    waiting: int  # without one yet
    rows: int  # of other tables, that entries bind
    checkpoints: int
    findings: Findings


def verify(
    connection: sa.Connection, verifiers: Sequence[Verifier], kept: Iterable[tuple[object, str]] = ()
) -> Verdict:
    """Verify everything there is. The connection sees one state (`firstline.store.database.snapshot`) that is not older
    than `kept`: notes from outside the database, each with its file. It reads only."""
    findings = Findings()
    with closing(Bound()) as bound:
        claimed = claims(connection, verifiers, kept, findings)
        walk = Walk(connection, claimed, bound, findings)
        entries, waiting = walk.go(), walk.rest()
        rows = bound.compare(connection, findings)
    return Verdict(entries, waiting, rows, len(claimed), findings)


def included(connection: sa.Connection, entry: str, signed: Checkpoint) -> str:
    """The text of an entry, named by its position or id, once it is proved to be in the tree of a checkpoint. Raises
    `Untrue` with the reason why it is not."""
    named = LEDGER.c.position == int(entry) if entry.isdecimal() and len(entry) < 19 else LEDGER.c.id == entry
    row = connection.execute(sa.select(LEDGER.c.position, LEDGER.c.entry).where(named)).first()
    if row is None or row.position is None:
        raise Untrue(f"there is no entry {entry} with a place in the tree")
    if row.position >= signed.size:
        raise Untrue(f"entry {row.position} came later: the checkpoint is of {signed.size} entries")
    proof = Tiles(connection).prove(row.position, signed.size)
    if not verify_inclusion(leaf_hash(row.entry.encode()), row.position, signed.size, proof, signed.root):
        raise Untrue(f"entry {row.position}, as it is here, is not in the tree that was signed")
    return str(row.entry)
