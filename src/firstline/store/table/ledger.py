"""The log of all acts, and its tree."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column
from firstline.store.told import Entered


class LedgerRow(SQLModel, table=True):
    """One act of a person or of the hub. Inserted, never changed, but for its place in the tree, which is given once.
    The lines of a remediation's timeline are its entries here."""

    __tablename__ = "fl_ledger"
    __table_args__ = (
        sa.Index("fl_ledger_position", "position", "id"),
        sa.Index("fl_ledger_subject", "subject", "id"),
    )

    id: str = column.key()
    subject: str = ""  # what it is about: a remediation's id, else `person:ann`, `mapping:pack/id` ...
    entry: Any = Field(default=None, sa_type=Entered, nullable=False)  # firstline.ledger.Entry, canonical and masked
    position: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)  # its leaf in the tree
    hash: bytes | None = None  # of the leaf


class TileRow(SQLModel, table=True):
    """256 hashes of the tree: of leaves (level 0), or of 256**level leaves each. Only whole ones are kept."""

    __tablename__ = "fl_ledger_tile"

    level: int = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=sa.BigInteger)
    hashes: bytes


class CheckpointRow(SQLModel, table=True):
    """The tree's size and root, signed."""

    __tablename__ = "fl_checkpoint"

    size: int = Field(primary_key=True, sa_type=sa.BigInteger)
    note: str
    at: datetime = column.moment()


class PublicationRow(SQLModel, table=True):
    """How far checkpoints have come to a place off the box: `ledger.publish`."""

    __tablename__ = "fl_publication"

    place: str = Field(primary_key=True)  # as it stands in the settings
    size: int = Field(default=0, sa_type=sa.BigInteger)  # of the last checkpoint that arrived
    at: datetime | None = column.later()  # when it did
    attempts: int = 0  # that failed since
    due_at: datetime = column.moment()  # not before
    trouble: str = column.told()  # why the last one failed
