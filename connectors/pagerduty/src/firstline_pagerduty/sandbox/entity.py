"""What an account holds."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Literal

Status = Literal["triggered", "acknowledged", "resolved"]
Urgency = Literal["high", "low"]


def now() -> datetime:
    return datetime.now(UTC)


def identifier(first: str = "Q", length: int = 14) -> str:
    """Letters and digits, as PagerDuty's ids."""
    return (first + token_hex(length // 2).upper())[:length]


@dataclass(frozen=True)
class User:
    id: str
    name: str
    email: str
    role: str = "user"


@dataclass(frozen=True)
class Policy:
    """An escalation policy: who stands on each level."""

    id: str
    name: str
    levels: tuple[tuple[User, ...], ...]


@dataclass(frozen=True)
class Service:
    id: str
    name: str
    routing_key: str
    policy: Policy
    team: str = ""


@dataclass(frozen=True)
class Priority:
    id: str
    name: str


@dataclass(frozen=True)
class CustomField:
    """`data_type` and `field_type` are PagerDuty's: string, integer ...; single_value, multi_value ..."""

    id: str
    name: str
    display_name: str
    data_type: str
    field_type: str


@dataclass
class Note:
    user: User
    content: str
    id: str = field(default_factory=lambda: identifier("P", 7))
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class LogEntry:
    """`type` is PagerDuty's: trigger_log_entry, acknowledge_log_entry ... `message`: of a status update."""

    type: str
    summary: str
    agent: User | None
    note: str = ""
    message: str = ""
    id: str = field(default_factory=lambda: identifier("R"))
    created_at: datetime = field(default_factory=now)


@dataclass
class Alert:
    """What an event of the Events API made. `event` is its `payload`."""

    key: str
    event: dict[str, Any]
    id: str = field(default_factory=identifier)
    created_at: datetime = field(default_factory=now)


@dataclass
class Incident:
    id: str
    number: int
    title: str
    service: Service
    policy: Policy
    urgency: Urgency
    key: str
    details: Any = None
    alert: Alert | None = None
    priority: Priority | None = None
    status: Status = "triggered"
    level: int = 1
    assigned_via: Literal["escalation_policy", "direct_assignment"] = "escalation_policy"
    assignments: list[tuple[datetime, User]] = field(default_factory=list)
    acknowledgements: list[tuple[datetime, User]] = field(default_factory=list)
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    status_changed_at: datetime = field(default_factory=now)
    status_changed_by: User | None = None
    reopened_at: datetime | None = None
    resolved_at: datetime | None = None
    notes: list[Note] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    custom_fields: dict[str, Any] = field(default_factory=dict)
    references: list[dict[str, Any]] = field(default_factory=list)
