"""The hub's own tables. Prefixed, because on SQLite the durable engine's tables stand in the same file.

Columns of type `Json` hold what `model_dump(mode="json")` of the model named in the comment gives."""

import sqlalchemy as sa
from sqlmodel import SQLModel

from firstline.store.clock import now
from firstline.store.table.change import ChangeRow, CounterRow, StandardRow
from firstline.store.table.guard import BlackoutRow, BreakerRow, LockRow, SwitchRow, TouchRow
from firstline.store.table.intake import DecisionRow, DeliveryRow, EventRow, IncidentRow, ReconciliationRow, SourceRow
from firstline.store.table.ledger import CheckpointRow, LedgerRow, PublicationRow, TileRow
from firstline.store.table.outbox import BudgetRow, ConnectionRow, WriteBackRow
from firstline.store.table.person import DelegationRow, GrantRow, MemberRow, PersonRow, TokenRow
from firstline.store.table.remediation import ApprovalRow, FaultRow, LinkRow, ModeRow, RemediationRow, RunRow, VoteRow


def _table(row: type[SQLModel]) -> sa.Table:
    table: sa.Table = row.__table__  # type: ignore[attr-defined] # SQLModel makes it, untyped
    return table


# For queries: rows are read and written by column, several times faster than as objects.
DELIVERY = _table(DeliveryRow)
EVENT = _table(EventRow)
INCIDENT = _table(IncidentRow)
DECISION = _table(DecisionRow)
REMEDIATION = _table(RemediationRow)
RUN = _table(RunRow)
LEDGER = _table(LedgerRow)
TILE = _table(TileRow)
CHECKPOINT = _table(CheckpointRow)
PUBLICATION = _table(PublicationRow)
APPROVAL = _table(ApprovalRow)
WRITE_BACK = _table(WriteBackRow)
CONNECTION = _table(ConnectionRow)
TOKEN = _table(TokenRow)
PERSON = _table(PersonRow)
MEMBER = _table(MemberRow)
GRANT = _table(GrantRow)
DELEGATION = _table(DelegationRow)
VOTE = _table(VoteRow)
LOCK = _table(LockRow)
TOUCH = _table(TouchRow)
SWITCH = _table(SwitchRow)
BREAKER = _table(BreakerRow)
MODE = _table(ModeRow)
STANDARD = _table(StandardRow)
BLACKOUT = _table(BlackoutRow)
CHANGE = _table(ChangeRow)
COUNTER = _table(CounterRow)
BUDGET = _table(BudgetRow)
LINK = _table(LinkRow)
FAULT = _table(FaultRow)
SOURCE = _table(SourceRow)
RECONCILIATION = _table(ReconciliationRow)

__all__ = [
    "APPROVAL",
    "BLACKOUT",
    "BREAKER",
    "BUDGET",
    "CHANGE",
    "CHECKPOINT",
    "CONNECTION",
    "COUNTER",
    "DECISION",
    "DELEGATION",
    "DELIVERY",
    "EVENT",
    "FAULT",
    "GRANT",
    "INCIDENT",
    "LEDGER",
    "LINK",
    "LOCK",
    "MEMBER",
    "MODE",
    "PERSON",
    "PUBLICATION",
    "RECONCILIATION",
    "REMEDIATION",
    "RUN",
    "SOURCE",
    "STANDARD",
    "SWITCH",
    "TILE",
    "TOKEN",
    "TOUCH",
    "VOTE",
    "WRITE_BACK",
    "ApprovalRow",
    "BlackoutRow",
    "BreakerRow",
    "BudgetRow",
    "ChangeRow",
    "CheckpointRow",
    "ConnectionRow",
    "CounterRow",
    "DecisionRow",
    "DelegationRow",
    "DeliveryRow",
    "EventRow",
    "FaultRow",
    "GrantRow",
    "IncidentRow",
    "LedgerRow",
    "LinkRow",
    "LockRow",
    "MemberRow",
    "ModeRow",
    "PersonRow",
    "PublicationRow",
    "ReconciliationRow",
    "RemediationRow",
    "RunRow",
    "SourceRow",
    "StandardRow",
    "SwitchRow",
    "TileRow",
    "TokenRow",
    "TouchRow",
    "VoteRow",
    "WriteBackRow",
    "now",
]
