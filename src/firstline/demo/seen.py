"""What the story sees with its own eyes, beside the vendors' records and the hub's ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class ShopSeen:
    """What was seen of the shop itself, on the disk and over HTTP. `answers` is by the fault's title."""

    hung_pid: int = 0
    restarted_pid: int = 0
    old_logs: int | None = None
    visits_before: int | None = None
    visits_after: int | None = None
    starts: int = 0
    answers: dict[str, int] = field(default_factory=dict)


@dataclass
class Seen:
    """What the story saw with its own eyes, beside the vendors' records. `modes` is what each incident of the desk
    should meet, by number; accounts are as on the disk, before and after."""

    shop: ShopSeen = field(default_factory=ShopSeen)
    modes: dict[str, str] = field(default_factory=dict)
    request: str = ""  # the key of the request that asks for an account
    account: str = ""
    accounts_before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accounts_asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accounts_after: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    why: str = ""  # what `firstline guard why` says of the remediation that is held
    lifted_at: datetime | None = None  # when the calendar with the freeze was written last
    restarts: Mapping[str, Sequence[datetime]] = field(default_factory=dict)  # of each service, oldest first
