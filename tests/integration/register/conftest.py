"""Firstline's own register on each database, and drafts for it."""

from datetime import UTC, datetime, timedelta

import pytest

from firstline.connector import ChangeDraft
from firstline.register import OwnRegister
from firstline.store import Database

START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
HUB = "https://hub.example"


@pytest.fixture
def register(database: Database) -> OwnRegister:
    return OwnRegister(database, HUB)


def standard(key: str = "firstline-1", **fields: object) -> ChangeDraft:
    return ChangeDraft.model_validate(
        {
            "key": key,
            "type": "standard",
            "template": "Restart web process",
            "short_description": "Restart the shop",
            "ci": "shop1",
            "planned_start": START,
            "planned_end": END,
            **fields,
        }
    )


def normal(key: str = "firstline-1", **fields: object) -> ChangeDraft:
    return standard(key, **{"type": "normal", "template": "", **fields})
