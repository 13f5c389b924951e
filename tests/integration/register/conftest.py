"""Firstline's own register, on SQLite where nothing else is said, and drafts for it."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from firstline.connector import ChangeDraft
from firstline.register import OwnRegister
from firstline.runbook import Runbook, load
from firstline.store import Database
from firstline.store.table import LEDGER

START = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
HUB = "https://hub.example"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, to be copied: that takes a tenth of the time of making them."""
    path = tmp_path_factory.mktemp("made") / "firstline.db"
    database = Database(f"sqlite:///{path}")
    database.create()
    database.close()
    return path


@pytest.fixture
def database_url(made: Path, tmp_path: Path) -> str:
    shutil.copy(made, tmp_path / "firstline.db")
    return f"sqlite:///{tmp_path}/firstline.db"


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


def told(database: Database, number: str = "CHG0000001") -> list[dict[str, Any]]:
    """The ledger's entries about a change."""
    query = sa.select(LEDGER.c.entry).where(LEDGER.c.subject == f"change:{number}").order_by(LEDGER.c.id)
    return [
        orjson.loads(one) for one in database.read_now(lambda connection: connection.execute(query).scalars().all())
    ]


RUNBOOK = """\
id: restart-web
version: 1.2.0
title: Restart a hung web process
owner: team-shop
authors: [dora]
description: Stops the process, starts it, waits until it answers.
inputs:
  app: {type: string}
targets: ["${{ inputs.app }}"]
change: {type: standard, template: Restart web process, risk: The shop is down already., ci: "${{ inputs.app }}"}
steps:
  - name: restart
    run: [systemctl, restart, "${{ target }}"]
after:
  - name: the shop answers
    http: {url: "http://127.0.0.1/"}
rollback:
  - name: start it as before
    run: [systemctl, restart, "${{ target }}@previous"]
"""


@pytest.fixture
def runbook(tmp_path: Path) -> Runbook:
    return made_runbook(tmp_path, RUNBOOK)


def made_runbook(tmp_path: Path, text: str) -> Runbook:
    folder = tmp_path / "runbooks" / "restart-web"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "runbook.yaml").write_text(text, encoding="utf-8")
    return load(folder)
