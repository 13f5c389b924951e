"""What people are called for, and shown."""

from typing import Literal

from pydantic import AwareDatetime, Field

from firstline.connector.value import Value


class Alarm(Value):
    """Something the hub itself needs a person for. `resolved`: it no longer does."""

    key: str = Field(max_length=255, description="Same key, same alarm: the vendor's dedup key.")
    summary: str = Field(max_length=1024)
    severity: Literal["critical", "error", "warning", "info"] = "error"
    source: str = "firstline"
    details: dict[str, str] = Field(default_factory=dict)
    url: str = ""
    resolved: bool = False


class Announcement(Value):
    """A change that went live: shown beside incidents, pages nobody."""

    key: str
    summary: str = Field(max_length=1024)
    at: AwareDatetime
    details: dict[str, str] = Field(default_factory=dict)
    url: str = ""
