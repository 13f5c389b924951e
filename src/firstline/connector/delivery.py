"""What comes in: by webhook, or by asking."""

from typing import Literal

from pydantic import AwareDatetime, Field

from firstline.connector.value import Value


class Delivery(Value):
    """One inbound webhook request or one polled record, exactly as received."""

    connection: str
    key: str = Field(description="The vendor's delivery key; a repeat of it is the same delivery.")
    body: bytes
    headers: dict[str, str] = Field(default_factory=dict, description="Header names in lower case.")
    received_at: AwareDatetime
    polled: bool = Field(default=False, description="True: `body` is what `poll` brought, not what a webhook sent.")


class Window(Value):
    """What a poll asks for, by the vendor's clock."""

    since: AwareDatetime
    until: AwareDatetime | None = Field(default=None, description="Excluded. None: up to now.")
    by: Literal["changed", "opened"] = Field(
        default="changed",
        description="changed: what was changed in the window (the stream). opened: the incidents that were opened in "
        "the window, as they are now (the completeness proof: a time of opening never moves).",
    )


class Page(Value):
    """One page of a poll, oldest first where the vendor can."""

    deliveries: tuple[Delivery, ...]
    next: str = Field(default="", description="What brings the next page; empty: this was the last.")
    complete_to: AwareDatetime | None = Field(
        default=None,
        description="By the vendor's clock: all that happened before is on this page or an earlier one. The hub keeps "
        "it as its cursor once the page is stored, and asks again from an overlap before it. On the last page of a "
        "window without end: the vendor's time when the poll's first page was answered (never our own clock).",
    )
    total: int | None = Field(
        default=None,
        description="How many the vendor itself counts in the window, where it does; more than were brought means that "
        "access rules hide some.",
    )


class Registration(Value):
    """A webhook at the vendor that brings its events to us."""

    state: Literal["made", "renewed", "unchanged", "manual"] = Field(
        description="manual: the vendor lets nobody but its own administrators make it; `instructions` say how."
    )
    id: str = ""
    expires_at: AwareDatetime | None = Field(default=None, description="None: it does not expire.")
    secret: str = Field(
        default="",
        repr=False,
        description="The signing secret, where the vendor makes it and shows it once. Handed to the operator, never "
        "stored by the hub.",
    )
    instructions: str = Field(default="", description="What a person has to do, with the script to paste.")
