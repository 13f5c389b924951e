"""The shelf with every edition of the users' files, and an empty database to copy: made once."""

from pathlib import Path

import pytest
from tests.integration.machine.machine import emptied
from tests.integration.machine.pack import Shelf, shelved


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return shelved(tmp_path_factory.mktemp("shelf"))


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with its tables and people: copied faster than made."""
    return emptied(tmp_path_factory.mktemp("empty"))
