"""A ledger without a hub: its database, its folder, and who gives places."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firstline import settings
from firstline.ledger import entry
from firstline.ledger.folder import Folder
from firstline.ledger.key import folder
from firstline.ledger.sequence import Sequencer
from firstline.settings import Settings
from firstline.store import Database
from firstline.store.database import insert
from firstline.store.lease import Leases


@dataclass
class Log:
    """A ledger, and one process that gives places."""

    database: Database
    leases: Leases
    settings: Settings
    sequencer: Sequencer

    @property
    def folder(self) -> Folder:
        return folder(self.settings)

    def enter(self, *texts: str) -> None:
        """An entry for each text, all in one transaction."""
        entries = [entry("test", "told", text) for text in texts]
        self.database.write_now(lambda connection: insert(connection, *entries))

    async def grow(self, *batches: int) -> None:
        """So many entries in each batch, each with its checkpoint."""
        for batch in batches:
            self.enter(*(f"entry {number}" for number in range(batch)))
            await self.sequencer.sequence()


Open = Callable[..., Log]


@pytest.fixture
def hub_folder(tmp_path: Path, database_url: str) -> Path:
    path = tmp_path / "hub"
    path.mkdir()
    (path / settings.FILE).write_text(f'[hub]\ndatabase = "{database_url}"\nurl = "https://hub.example.com"\n')
    return path


@pytest.fixture
def open_log(hub_folder: Path, database: Database, open_database: Callable[[], Database]) -> Iterator[Open]:
    """Opens the ledger as another process would. `more` is added to firstline.toml."""
    leases: list[Leases] = []

    def another(more: str = "") -> Log:
        with (hub_folder / settings.FILE).open("a") as file:
            file.write(more)
        found, its_own = settings.load(hub_folder), open_database()
        leases.append(Leases(its_own))
        sequencer = Sequencer(its_own, leases[-1], found)
        sequencer.prepare()
        return Log(its_own, leases[-1], found, sequencer)

    yield another
    for each in leases:
        each.close()


@pytest.fixture
def log(open_log: Open) -> Log:
    return open_log()
