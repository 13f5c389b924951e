"""A remediation as guards look at it, and a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

from firstline.guard.settings import Often, Rate
from firstline.guard.subject import Subject

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def subject(**more: Any) -> Subject:
    """A remediation `mine` of two of ten web servers."""
    told: dict[str, Any] = {
        "remediation": "mine",
        "runbook": "shop/restart",
        "environment": "prod",
        "service": "shop",
        "fault": "shop/down|web1",
        "targets": ("web1", "web2"),
        "group": tuple(f"web{number}" for number in range(1, 11)),
    }
    return Subject(**(told | more))


def often(count: int, within: str) -> Often:
    """As it stands in the settings."""
    return Often.model_validate({"count": count, "within": within})


def each(count: int, per: str) -> Rate:
    return Rate.model_validate({"count": count, "per": per})
