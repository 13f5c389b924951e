"""People, and what they may."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from firstline.store import column


class PersonRow(SQLModel, table=True):
    __tablename__ = "fl_person"

    name: str = Field(primary_key=True)
    email: str = ""
    accounts: Any = column.json()  # by connection: the person's user name, email or id there
    contact: str = ""  # where links to approve go: mailto:..., https://...
    off_at: datetime | None = column.later()  # left; nothing is allowed any more
    created_at: datetime = column.moment()


class MemberRow(SQLModel, table=True):
    __tablename__ = "fl_member"

    group: str = Field(primary_key=True)
    person: str = Field(primary_key=True)


class GrantRow(SQLModel, table=True):
    """A right that a person or a group has, for packs and environments."""

    __tablename__ = "fl_grant"
    __table_args__ = (sa.UniqueConstraint("holder", "right", "pack", "environment"),)

    id: str = column.key()
    holder: str  # person:ann, group:sre-core
    right: str  # firstline.access.Right
    pack: str = "*"
    environment: str = "*"


class DelegationRow(SQLModel, table=True):
    """For a time, one person's approvals may be given by another."""

    __tablename__ = "fl_delegation"

    id: str = column.key()
    giver: str
    taker: str
    since: datetime = column.moment()
    until: datetime = column.moment()
    reason: str = column.told()


class TokenRow(SQLModel, table=True):
    __tablename__ = "fl_token"

    id: str = column.key()
    person: str
    name: str = ""
    hash: str = Field(unique=True)
    rights: Any = column.json()  # list of firstline.access.Right it is limited to; None: all its person has
    created_at: datetime = column.moment()
    expires_at: datetime | None = column.later()
    revoked_at: datetime | None = column.later()
